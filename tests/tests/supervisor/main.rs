//! pilot as the first process of a container: jobs, signals, order, health, logs, reload, control.
//!
//! What is below `exclusive` starts hundreds of processes or promises a time, and gets the machine for itself
//! (`.config/nextest.toml`).

mod control;
mod database_impostor;
mod database_patience;
mod database_tls;
mod exclusive;
mod exits_and_signals;
mod explain_live;
mod health;
mod job_control;
mod liveness;
mod log_lines;
mod logs;
mod loop_fairness;
mod mysql9;
mod notify;
mod ordering;
mod page;
mod pause;
mod process_settings;
mod reaping;
mod reload;
mod robustness;
mod schedules;
mod shutdown;
mod stop_signals;
mod stop_steps;
mod telemetry;
mod template;
mod v3_traces;
mod wait;
mod without_cap_kill;
