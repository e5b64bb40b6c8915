"""postbot: the life of a job posting kept in git."""
