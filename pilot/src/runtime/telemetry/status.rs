//! `/status` as v3 answers it (spec 9.2): its keys, their order, lists that are null when empty.

use serde::Serialize;

use crate::runtime::view::Snapshot;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Answer<'a> {
    version: &'a str,
    jobs: Option<Vec<Job<'a>>>,
    services: Option<Vec<Service<'a>>>,
    watches: Option<Vec<&'a str>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Job<'a> {
    name: &'a str,
    status: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Service<'a> {
    name: &'a str,
    address: &'a str,
    port: u16,
    status: &'static str,
}

/// The body of the answer.
pub(super) fn json(snapshot: &Snapshot) -> serde_json::Result<Vec<u8>> {
    let without_service = snapshot.jobs.iter().filter(|job| job.services.is_empty());
    let services = snapshot.jobs.iter().flat_map(|job| {
        let service = |service| (job.health.as_str(), service);
        job.services.iter().map(service)
    });
    serde_json::to_vec(&Answer {
        version: snapshot.version,
        jobs: filled(without_service.map(|job| Job { name: &job.name, status: job.health.as_str() })),
        services: filled(services.map(|(status, service)| Service {
            name: &service.name,
            address: &service.address,
            port: service.port,
            status,
        })),
        watches: filled(snapshot.watches.iter().map(|watch| watch.name.as_str())),
    })
}

fn filled<T>(items: impl Iterator<Item = T>) -> Option<Vec<T>> {
    let items: Vec<T> = items.collect();
    (!items.is_empty()).then_some(items)
}
