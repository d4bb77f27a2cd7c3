//! `plaza loadtest merge`: the parts of a run, which several processes found,
//! as one report.

use std::path::PathBuf;

use crate::{html, part::Part};

/// Which parts.
#[derive(Debug, clap::Args)]
pub struct MergeArgs {
    /// What each process wrote by --part-file
    #[arg(required = true)]
    parts: Vec<PathBuf>,
    /// Where the report goes, as JSON
    #[arg(long)]
    report: Option<PathBuf>,
    /// Where the report goes, as a page
    #[arg(long)]
    html: Option<PathBuf>,
}

/// Judges them together, and prints what comes of it; whether every delivery is
/// accounted for.
pub(crate) fn run(args: &MergeArgs) -> anyhow::Result<bool> {
    let parts = args.parts.iter().map(|path| Part::read(path));
    let report = Part::judge(parts.collect::<Result<_, _>>()?)?;
    println!("{report}");
    if let Some(path) = &args.report {
        report.write(path)?;
    }
    if let Some(path) = &args.html {
        html::write(&report, path)?;
    }
    Ok(report.held)
}
