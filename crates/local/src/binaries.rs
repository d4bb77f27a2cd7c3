//! Where the servers' programs are.

use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crate::LocalError;

/// Folders of Debian's PostgreSQL, one a major version.
const DEBIAN_POSTGRES: &str = "/usr/lib/postgresql";
/// The tool cache of root, which the servers' user can reach too.
const SYSTEM_CACHE: &str = "/var/cache/plaza";

/// A server program that can be looked for by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Program {
    /// `redis-server`, or what `PLAZA_REDIS_BIN` names.
    Redis,
    /// `centrifugo`, or what `PLAZA_CENTRIFUGO_BIN` names.
    Centrifugo,
}

/// The programs of one PostgreSQL installation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostgresBinaries {
    /// Folder of `initdb` and `postgres`.
    pub folder: PathBuf,
}

impl PostgresBinaries {
    /// Path of `initdb`.
    pub fn initdb(&self) -> PathBuf {
        self.folder.join("initdb")
    }

    /// Path of `postgres`.
    pub fn postgres(&self) -> PathBuf {
        self.folder.join("postgres")
    }
}

/// The search for programs: `PLAZA_*_BIN`, then `PATH`, then the tool caches
/// (`$PLAZA_CACHE/bin`, `~/.cache/plaza/bin`, `/var/cache/plaza/bin`), then
/// Debian's versioned folders and those of packages unpacked into a cache.
#[derive(Debug, Clone, Default)]
pub struct Binaries {
    postgres: Option<PathBuf>,
    redis: Option<PathBuf>,
    centrifugo: Option<PathBuf>,
    path: Vec<PathBuf>,
    caches: Vec<PathBuf>,
    debian: Vec<PathBuf>,
}

impl Binaries {
    /// A search by the process's environment.
    pub fn find() -> Self {
        Self::from_environment(|name| std::env::var_os(name))
    }

    fn from_environment(variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let file = |name: &str| variable(name).filter(|v| !v.is_empty()).map(PathBuf::from);
        let mut caches: Vec<PathBuf> = file("PLAZA_CACHE").into_iter().collect();
        caches.extend(file("HOME").map(|home| home.join(".cache/plaza")));
        caches.push(PathBuf::from(SYSTEM_CACHE));
        let mut debian = vec![PathBuf::from(DEBIAN_POSTGRES)];
        debian.extend(
            caches
                .iter()
                .map(|cache| cache.join("packages").join(&DEBIAN_POSTGRES[1..])),
        );
        Self {
            postgres: file("PLAZA_POSTGRES_BIN"),
            redis: file("PLAZA_REDIS_BIN"),
            centrifugo: file("PLAZA_CENTRIFUGO_BIN"),
            path: variable("PATH")
                .map(|path| std::env::split_paths(&path).collect())
                .unwrap_or_default(),
            caches,
            debian,
        }
    }

    /// The folder of PostgreSQL's server programs (`PLAZA_POSTGRES_BIN`).
    ///
    /// # Errors
    /// [`LocalError::NotFound`].
    pub fn postgres(&self) -> Result<PostgresBinaries, LocalError> {
        let places: Vec<PathBuf> = match &self.postgres {
            Some(folder) => vec![folder.clone()],
            None => self
                .path
                .iter()
                .cloned()
                .chain(self.caches.iter().map(|cache| cache.join("bin")))
                .chain(self.debian.iter().flat_map(|root| newest_first(root)))
                .collect(),
        };
        places
            .iter()
            .find(|folder| {
                is_executable(&folder.join("initdb")) && is_executable(&folder.join("postgres"))
            })
            .map(|folder| PostgresBinaries {
                folder: folder.clone(),
            })
            .ok_or_else(|| LocalError::NotFound {
                program: "PostgreSQL (initdb and postgres)",
                variable: "PLAZA_POSTGRES_BIN",
                looked: listed(&places, &self.debian),
            })
    }

    /// The path of a server program.
    ///
    /// # Errors
    /// [`LocalError::NotFound`].
    pub fn program(&self, program: Program) -> Result<PathBuf, LocalError> {
        let (configured, name, variable) = match program {
            Program::Redis => (&self.redis, "redis-server", "PLAZA_REDIS_BIN"),
            Program::Centrifugo => (&self.centrifugo, "centrifugo", "PLAZA_CENTRIFUGO_BIN"),
        };
        let places: Vec<PathBuf> = match configured {
            Some(path) => vec![path.clone()],
            None => self
                .path
                .iter()
                .cloned()
                .chain(self.caches.iter().map(|cache| cache.join("bin")))
                .chain(
                    self.caches
                        .iter()
                        .map(|cache| cache.join("packages/usr/bin")),
                )
                .map(|folder| folder.join(name))
                .collect(),
        };
        places
            .iter()
            .find(|path| is_executable(path))
            .cloned()
            .ok_or_else(|| LocalError::NotFound {
                program: name,
                variable,
                looked: listed(&places, &[]),
            })
    }
}

/// The libraries of packages that were unpacked into a tool cache
/// (`packages/usr/…`) instead of installed: what the loader must be told for a
/// program from there. `None` for every other program.
pub(crate) fn unpacked_libraries(program: &Path) -> Option<OsString> {
    let usr = program
        .ancestors()
        .find(|folder| folder.ends_with("packages/usr"))?;
    let libraries = std::fs::read_dir(usr.join("lib")).ok()?;
    let folders = libraries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.to_string_lossy().contains("-linux-"));
    std::env::join_paths(folders).ok()
}

/// `root/<version>/bin` for every version, the highest first.
fn newest_first(root: &Path) -> Vec<PathBuf> {
    let mut versions: Vec<(u32, PathBuf)> = std::fs::read_dir(root)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let version = entry.file_name().to_str()?.parse().ok()?;
            Some((version, entry.path().join("bin")))
        })
        .collect();
    versions.sort_by_key(|(version, _)| std::cmp::Reverse(*version));
    versions.into_iter().map(|(_, folder)| folder).collect()
}

fn is_executable(path: &Path) -> bool {
    std::fs::metadata(path)
        .is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

fn listed(places: &[PathBuf], roots: &[PathBuf]) -> String {
    let roots = roots.iter().map(|root| root.join("*/bin"));
    let shown: Vec<String> = places
        .iter()
        .cloned()
        .chain(roots)
        .map(|path| path.display().to_string())
        .collect();
    shown.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(path: &Path) {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "").unwrap();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn search(variables: &[(&str, &Path)]) -> Binaries {
        let mut binaries = Binaries::from_environment(|name| {
            variables
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| value.as_os_str().to_owned())
        });
        binaries
            .debian
            .retain(|root| root != Path::new(DEBIAN_POSTGRES));
        binaries
            .caches
            .retain(|root| root != Path::new(SYSTEM_CACHE));
        binaries
    }

    #[test]
    fn a_variable_wins_over_path_and_path_over_the_cache() {
        let root = tempfile::tempdir().unwrap();
        let (named, path, cache) = (
            root.path().join("named/redis"),
            root.path().join("path"),
            root.path().join("cache"),
        );
        program(&cache.join("bin/redis-server"));
        let found = |variables: &[(&str, &Path)]| search(variables).program(Program::Redis);
        let cached = found(&[("PATH", &path), ("PLAZA_CACHE", &cache)]).unwrap();
        assert_eq!(cached, cache.join("bin/redis-server"));
        program(&path.join("redis-server"));
        let on_path = found(&[("PATH", &path), ("PLAZA_CACHE", &cache)]).unwrap();
        assert_eq!(on_path, path.join("redis-server"));
        program(&named);
        let by_name = found(&[("PATH", &path), ("PLAZA_REDIS_BIN", &named)]).unwrap();
        assert_eq!(by_name, named);
    }

    #[test]
    fn a_variable_that_points_nowhere_is_an_error_that_names_it() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("path");
        program(&path.join("centrifugo"));
        let nowhere = root.path().join("nowhere");
        let error = search(&[("PATH", &path), ("PLAZA_CENTRIFUGO_BIN", &nowhere)])
            .program(Program::Centrifugo)
            .unwrap_err()
            .to_string();
        assert!(error.contains("PLAZA_CENTRIFUGO_BIN"), "{error}");
        assert!(error.contains("nowhere"), "{error}");
    }

    #[test]
    fn the_newest_postgres_of_unpacked_packages_is_taken_by_number() {
        let root = tempfile::tempdir().unwrap();
        let packages = root.path().join("packages/usr/lib/postgresql");
        for version in ["9", "15", "17"] {
            for name in ["initdb", "postgres"] {
                program(&packages.join(version).join("bin").join(name));
            }
        }
        std::fs::remove_file(packages.join("17/bin/initdb")).unwrap();
        let found = search(&[("PLAZA_CACHE", root.path())]).postgres().unwrap();
        assert_eq!(found.folder, packages.join("15/bin"));
    }

    #[test]
    fn a_program_of_unpacked_packages_is_given_their_libraries() {
        let root = tempfile::tempdir().unwrap();
        let usr = root.path().join("packages/usr");
        let libraries = usr.join("lib/x86_64-linux-gnu");
        std::fs::create_dir_all(&libraries).unwrap();
        let found = unpacked_libraries(&usr.join("bin/redis-server"));
        assert_eq!(found.as_deref(), Some(libraries.as_os_str()));
        assert_eq!(unpacked_libraries(Path::new("/usr/bin/redis-server")), None);
    }

    #[test]
    fn a_file_that_cannot_be_executed_is_passed_over() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("redis-server");
        std::fs::write(&file, "").unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(
            search(&[("PATH", root.path())])
                .program(Program::Redis)
                .is_err()
        );
    }
}
