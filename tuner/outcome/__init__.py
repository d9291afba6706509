"""What came of a study, as facts and in words."""
