//! Consul: keeps what the agent knows equal to what is wanted, and follows other services by blocking queries.
