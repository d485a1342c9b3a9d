"""The functions of Moodle's web services, by what they are about."""
