//! Memory of processes; what they share counts once for all of them together.

use anyhow::Context as _;

/// Of some processes together (MiB): the sum of their proportional shares
/// (Linux).
pub(crate) fn together_mib(pids: &[i32]) -> anyhow::Result<f64> {
    let mut kib = 0;
    for pid in pids {
        let path = format!("/proc/{pid}/smaps_rollup");
        let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
        kib += proportional_kib(&text).with_context(|| format!("{path} does not tell it"))?;
    }
    Ok(f64::from(u32::try_from(kib)?) / 1_024.0)
}

/// The line `Pss:` of smaps_rollup (proc(5)).
fn proportional_kib(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_is_read() {
        let text = "5581-7ffd ---p 00000000 00:00 0    [rollup]\nRss:   884 kB\nPss:   385 kB\nPss_Dirty:  68 kB\n";
        assert_eq!(proportional_kib(text), Some(385));
        assert_eq!(proportional_kib("Rss: 1 kB"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_takes_something() {
        let pid = i32::try_from(std::process::id()).unwrap();
        let once = together_mib(&[pid]).unwrap();
        assert!(once > 0.5, "{once}");
        assert!(together_mib(&[i32::MAX]).is_err());
    }
}
