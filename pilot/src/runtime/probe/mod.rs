//! Probes that need no process: HTTP, TCP, MySQL. Each is one future with a deadline and a one-line finding.
