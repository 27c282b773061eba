"""What a teacher needs: a lab sheet that fits the minutes, a student's report, a table of thirty."""
