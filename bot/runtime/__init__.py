"""What every process needs: logs, metrics, redaction, spelling, the garbage collector."""
