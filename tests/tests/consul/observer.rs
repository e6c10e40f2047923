//! What others' code sees in Consul: pilot's own client is not asked about itself.

use std::collections::HashMap;

use consulrs::api::catalog::common::CatalogService;
use consulrs::api::check::common::AgentCheck;
use consulrs::client::{ConsulClient, ConsulClientSettingsBuilder};
use pilot_tests::Consul;

fn ask<T>(consul: &Consul, question: impl AsyncFnOnce(&ConsulClient) -> T) -> T {
    let address = format!("http://{}", consul.address());
    let settings = ConsulClientSettingsBuilder::default().address(address).build().unwrap();
    let client = ConsulClient::new(settings).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(question(&client))
}

/// The instances of a service in the catalog, by id.
pub fn instances(consul: &Consul, service: &str) -> Vec<CatalogService> {
    let mut list = ask(consul, async |client| {
        consulrs::catalog::nodes_with_service(client, service, None).await.unwrap().response
    });
    list.sort_by(|a, b| a.service_id.cmp(&b.service_id));
    list
}

/// The agent's checks by check id.
pub fn checks(consul: &Consul) -> HashMap<String, AgentCheck> {
    ask(consul, async |client| consulrs::check::list(client, None).await.unwrap().response)
}
