"""Pages: each module one concern. A view reads the request and answers; the work is a plain function."""
