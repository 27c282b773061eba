"""What one learner has done, and what to do next."""
