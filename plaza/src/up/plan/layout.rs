//! The ports of a local Plaza.

use plaza_local::CentrifugoPorts;

use super::Wanted;
use crate::up::data::Ports;
use crate::up::name::PartName;

/// Where the web app is, unless something else is there already.
const WEB_PORT: u16 = 8080;

/// The two ports of one of Plaza's own parts.
#[derive(Debug, Clone, Copy)]
pub(super) struct OwnPorts {
    pub(super) api: u16,
    pub(super) operations: u16,
}

/// The ports of everything that is told its ports.
#[derive(Debug, Clone, Copy)]
pub(super) struct Layout {
    first: Column,
    /// Of the second processes, where there are two of each.
    second: Option<Column>,
}

/// One process of each part: they know each other, and nothing of those in
/// another column.
#[derive(Debug, Clone, Copy)]
pub(super) struct Column {
    pub(super) auth: OwnPorts,
    pub(super) rooms: OwnPorts,
    pub(super) messages: OwnPorts,
    pub(super) publisher: OwnPorts,
    pub(super) gateway: OwnPorts,
    pub(super) centrifugo: CentrifugoPorts,
}

impl Layout {
    pub(super) fn choose(wanted: &Wanted, ports: &mut Ports) -> anyhow::Result<Self> {
        if let Some(port) = wanted.port {
            ports.set("gateway", port);
        }
        // First, so that no other part takes the port that was asked for.
        let web = match wanted.port {
            Some(port) => port,
            None => ports.choose("gateway", Some(WEB_PORT))?,
        };
        Ok(Self {
            first: Column::choose("", Some(web), ports)?,
            second: wanted
                .two
                .then(|| Column::choose("-2", None, ports))
                .transpose()?,
        })
    }

    /// Where a part and those that it knows are.
    pub(super) fn column(&self, name: PartName) -> &Column {
        match &self.second {
            Some(second) if name.is_second() => second,
            _ => &self.first,
        }
    }
}

impl Column {
    /// Ports for names that end like this.
    fn choose(end: &str, web: Option<u16>, ports: &mut Ports) -> anyhow::Result<Self> {
        let mut own = |name: &str| -> anyhow::Result<OwnPorts> {
            Ok(OwnPorts {
                api: match (name, web) {
                    ("gateway", Some(web)) => web,
                    _ => ports.choose(&format!("{name}{end}"), None)?,
                },
                operations: ports.choose(&format!("{name}{end}-operations"), None)?,
            })
        };
        Ok(Self {
            auth: own("auth")?,
            rooms: own("rooms")?,
            messages: own("messages")?,
            publisher: own("publisher")?,
            gateway: own("gateway")?,
            centrifugo: CentrifugoPorts {
                client: ports.choose(&format!("centrifugo{end}"), None)?,
                api: ports.choose(&format!("centrifugo{end}-api"), None)?,
            },
        })
    }

    /// Of one of Plaza's own parts in it.
    pub(super) fn of(&self, name: PartName) -> OwnPorts {
        match name.first() {
            PartName::Auth => self.auth,
            PartName::Rooms => self.rooms,
            PartName::Messages => self.messages,
            PartName::Publisher => self.publisher,
            _ => self.gateway,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::up::data::Data;
    use crate::up::plan::{Environments, Wires};

    #[test]
    fn all_ports_differ() {
        let folder = tempfile::tempdir().unwrap();
        let data = Data::locate(Some(folder.path().join("data"))).unwrap();
        data.prepare(None).unwrap();
        let mut ports = Ports::remembered(&data);
        let wanted = Wanted {
            host: None,
            port: None,
            realtime: true,
            standalone: false,
            two: true,
            spa: None,
            wires: Wires::default(),
            environments: Environments::default(),
        };
        let layout = Layout::choose(&wanted, &mut ports).unwrap();
        let columns = [layout.first, layout.second.unwrap()];
        let mut all = Vec::new();
        for column in columns {
            let own = [
                column.auth,
                column.rooms,
                column.messages,
                column.publisher,
                column.gateway,
            ];
            all.extend(own.iter().flat_map(|of| [of.api, of.operations]));
            all.extend([column.centrifugo.client, column.centrifugo.api]);
        }
        all.sort_unstable();
        let count = all.len();
        all.dedup();
        assert_eq!(all.len(), count);
    }
}
