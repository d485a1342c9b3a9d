"""The operations of the simulated Classroom, and of Google's OAuth."""
