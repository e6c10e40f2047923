//! An instance of the real app is replaced under constant load, behind what goes on sending for a while after a
//! deregistration, as an ALB does: test-cases.md, row b. `make bench-drain` measures it behind a real nginx and HAProxy.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{JoinHandle, sleep, spawn};
use std::time::Duration;

use pilot_tests::aws::Aws;
use pilot_tests::instance::{Instance, Order};
use pilot_tests::{SOON, http, until};

/// New requests come for so long after a deregistration. An ALB's time, and `drain.min`, are about eight times as long.
const LAG: Duration = Duration::from_secs(2);
const CLIENTS: usize = 4;

/// Clients that ask without a pause worth the name; each request goes to one of the targets that the load balancer knows.
struct Load {
    over: Arc<AtomicBool>,
    clients: Vec<JoinHandle<Count>>,
}

#[derive(Debug, Default)]
struct Count {
    answered: usize,
    failed: Vec<String>,
}

impl Load {
    fn start(aws: &Aws) -> Load {
        let over = Arc::new(AtomicBool::new(false));
        let client = |number: usize| {
            let (aws, over) = (aws.clone(), Arc::clone(&over));
            spawn(move || {
                let mut count = Count::default();
                for turn in number.. {
                    if over.load(Ordering::SeqCst) {
                        break;
                    }
                    let targets = aws.world().group.sent_requests(LAG);
                    let path = if turn % 2 == 0 { "/" } else { "/users" };
                    match targets.get(turn / 2 % targets.len().max(1)).map(|port| http::get(*port, path)) {
                        Some(Ok(answer)) if answer.status == 200 => count.answered += 1,
                        other => count.failed.push(format!("{other:?}")),
                    }
                    sleep(Duration::from_millis(5));
                }
                count
            })
        };
        Load { clients: (0..CLIENTS).map(client).collect(), over }
    }

    fn end(self) -> Count {
        self.over.store(true, Ordering::SeqCst);
        self.clients.into_iter().map(|client| client.join().unwrap()).fold(Count::default(), |sum, one| Count {
            answered: sum.answered + one.answered,
            failed: [sum.failed, one.failed].concat(),
        })
    }
}

/// Two instances; one goes. The load lasts until the load balancer has sent it its last request, and it has ended.
fn one_goes(order: Order) -> Count {
    let aws = Aws::start();
    let [old, stays] = [(); 2].map(|()| Instance::start(order, &aws));
    let load = Load::start(&aws);
    let port = old.port();
    old.stop(&aws);
    until("the load balancer to send nothing more", SOON, || {
        (!aws.world().group.sent_requests(LAG).contains(&port)).then_some(())
    });
    let count = load.end();
    println!("{}: {} answered, {} failed", order.words(), count.answered, count.failed.len());
    stays.stop(&aws);
    assert_eq!(aws.world().bad_signatures, Vec::<String>::new());
    count
}

#[test]
fn no_request_fails_while_an_instance_under_pilot_is_replaced() {
    let count = one_goes(Order::Pilot);
    assert!(count.failed.is_empty() && count.answered > 100, "{count:?}");
}

#[test]
fn requests_fail_where_the_application_is_signalled_before_it_is_out() {
    let count = one_goes(Order::SignalFirst);
    assert!(!count.failed.is_empty() && count.answered > 100, "{} answered, none failed", count.answered);
}
