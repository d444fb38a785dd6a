"""The operations: what actors do, with its rules. One operation is one transaction."""
