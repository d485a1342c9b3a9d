"""What can be seen of a running gateway: request ids, logs, metrics and traces. It knows nothing of the other rooms."""
