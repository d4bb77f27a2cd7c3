//! What the operator needs with many chats.

use futures::{StreamExt as _, stream};
use nix::unistd::Pid;

use crate::{
    process::Operator,
    world::{TRIAL, World},
};

/// Chats that come at the same time.
const AT_ONCE: usize = 5;

/// What a pod of 40 MiB leaves for memory of its own: 20 MiB are the pages of
/// the static `plaza` of its image. Here the program is not optimised, and
/// several times as large.
const OWN_KIB: u64 = 20 * 1024;

/// Memory of the process (KiB; proc(5)): `RssAnon` is its own, `RssFile` that of
/// the program.
fn memory_kib(pid: Pid, kind: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let value = status.lines().find_map(|line| line.strip_prefix(kind));
    let kib = value.unwrap().trim_start_matches(':').trim();
    kib.trim_end_matches(" kB").parse().unwrap()
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn fifty_chats_take_less_than_40_mib() {
    // Whatever keeps the operator from its work makes it hold more at a time.
    let world = World::alone().await;
    let operator = Operator::start(&world, "only").await;
    let one = async |number: usize| {
        let name = format!("chat-{number}");
        let yaml = TRIAL.replace("name: chat", &format!("name: {name}"));
        assert!(yaml.contains(&name), "the sample has another name now");
        world.apply(&yaml).await;
        world.settle_trial(&name).await;
    };
    stream::iter(0..50).for_each_concurrent(AT_ONCE, one).await;
    let [own, of_program] = ["RssAnon", "RssFile"].map(|kind| memory_kib(operator.pid(), kind));
    println!("{own} KiB of its own, {of_program} KiB of the program");
    assert!(own < OWN_KIB, "{own} KiB");
}
