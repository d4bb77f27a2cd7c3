//! The condition of a rotation of the signing keys.

use super::{
    super::apply::{Applied, Rotation},
    Verdict,
};

/// Whether the next signing key signs; `None`: nobody asked.
pub(super) fn keys_rotated(applied: &Applied) -> Option<Verdict> {
    let kind = "KeysRotated";
    Some(match applied.rotation.as_ref()? {
        Rotation::Runs(job) => Verdict::new(kind, false, "Rotating", format!("the Job {job} runs")),
        Rotation::Done(job) => Verdict::new(
            kind,
            true,
            "Rotated",
            format!(
                "the Job {job} had the next key sign. What the former signed stays good until it expires"
            ),
        ),
        Rotation::Failed { job, why } => Verdict::new(
            kind,
            false,
            "RotationFailed",
            format!(
                "the Job {job} failed, and the former key goes on signing: {why}. Mend it, then give \
                 the annotation plaza.dev/rotate-keys another word"
            ),
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::controller::conditions::tests::well;

    #[test]
    fn a_rotation_says_how_it_is_and_what_to_do() {
        let mut applied = well();
        assert_eq!(keys_rotated(&applied), None, "nobody asked");
        let job = "chat-rotate-keys-1".to_owned();
        let why = "the database does not answer".to_owned();
        for (rotation, holds, bad, words) in [
            (Rotation::Runs(job.clone()), false, false, "runs"),
            (Rotation::Done(job.clone()), true, false, "had the next key"),
            (
                Rotation::Failed { job, why },
                false,
                true,
                "the database does not answer. Mend it",
            ),
        ] {
            applied.rotation = Some(rotation);
            let verdict = keys_rotated(&applied).unwrap();
            assert_eq!((verdict.holds, verdict.is_bad()), (Some(holds), bad));
            assert!(verdict.message.contains(words), "{}", verdict.message);
        }
    }
}
