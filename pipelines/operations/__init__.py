"""Running a county day and night: the supervisor, what it runs, its state file, messages."""
