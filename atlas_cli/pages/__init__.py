"""Pages: Markdown from content/, its directives filled in, rendered for the terminal."""
