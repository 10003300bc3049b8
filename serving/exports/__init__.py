"""What leaves the service as a file for people: workbooks, CSV, calendars, printed sheets; and sheets that come back."""
