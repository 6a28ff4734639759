"""The crash campaign: real processes killed with signal 9 wherever it could hurt, restarted, and every row looked at afterwards."""
