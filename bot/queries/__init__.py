"""What people ask: status, scans, runs, holds, permissions. Read only."""
