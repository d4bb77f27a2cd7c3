//! From nothing to a running Plaza.

use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow, bail};
use plaza_local::{Postgres, Process, Redis, is_free};

use super::data::Ports;
use super::databases;
use super::name::PartName;
use super::plan::{Plan, Servers, database_url_name};
use super::recipe::{Kind, Recipe, StartError};
use super::supervisor::Supervisor;

/// How often other ports are tried when somebody else takes one of ours.
const PORT_TRIES: usize = 4;
/// How long the migrations may take.
const MIGRATION_PATIENCE: Duration = Duration::from_mins(10);

/// What runs now.
pub(crate) struct Started {
    pub(crate) supervisor: Supervisor,
    pub(crate) url: String,
    /// Where the second gateway is, if there is one.
    pub(crate) second_url: Option<String>,
}

/// Starts the servers, migrates, starts the services, each after what it needs.
/// Dropped on the way, it takes down what it has started.
pub(crate) async fn bring_up(plan: &Plan) -> anyhow::Result<Started> {
    if let Some(port) = plan.wanted.port.filter(|port| !is_free(*port)) {
        return Err(wanted_port_taken(port));
    }
    let mut ports = Ports::remembered(&plan.data);
    let mut supervisor = Supervisor::new(plan.console.clone());

    let (postgres, redis) = tokio::try_join!(postgres(plan, &ports), redis(plan, &ports))?;
    let (recipe, postgres) = postgres;
    ports.set(PartName::Postgres.as_str(), postgres.port);
    let begun = Instant::now();
    databases::ensure(&postgres, &plan.data).await?;
    write_urls(plan, &postgres)?;
    migrate(plan).await?;
    plan.console.done("the databases are up to date", begun);

    let servers = Servers {
        redis: redis.as_ref().map(|(_, redis)| redis),
    };
    let running = start_all(plan, servers, &mut ports).await?;
    supervisor.adopt(recipe, postgres.process);
    if let Some((recipe, redis)) = redis {
        ports.set(PartName::Redis.as_str(), redis.port);
        supervisor.adopt(recipe, redis.process);
    }
    for (recipe, process) in running {
        supervisor.adopt(recipe, process);
    }
    ports.save()?;
    let web = ports
        .get(PartName::Gateway.as_str())
        .context("the gateway has no port")?;
    let second = ports.get(PartName::Gateway2.as_str());
    let second = second.filter(|_| plan.wanted.two);
    Ok(Started {
        supervisor,
        url: plan.wanted.url(web),
        second_url: second.map(|port| plan.wanted.url(port)),
    })
}

async fn postgres(plan: &Plan, ports: &Ports) -> anyhow::Result<(Recipe, Postgres)> {
    let begun = Instant::now();
    let mut options = plan.postgres(ports)?;
    if !options.folder.exists() {
        plan.console
            .say("  making a new PostgreSQL cluster; this takes some seconds");
    }
    let server = Postgres::start(&options, &plan.reaper).await?;
    plan.console.done("PostgreSQL is ready", begun);
    options.port = Some(server.port);
    let recipe = plan.recipe(PartName::Postgres, Kind::Postgres(Box::new(options)));
    Ok((recipe, server))
}

async fn redis(plan: &Plan, ports: &Ports) -> anyhow::Result<Option<(Recipe, Redis)>> {
    if !plan.wanted.realtime {
        return Ok(None);
    }
    let begun = Instant::now();
    let mut options = plan.redis(ports)?;
    let server = Redis::start(&options, &plan.reaper).await?;
    plan.console.done("Redis is ready", begun);
    options.port = Some(server.port);
    let recipe = plan.recipe(PartName::Redis, Kind::Redis(Box::new(options)));
    Ok(Some((recipe, server)))
}

/// Where each service finds its database, as a file that it alone is given.
fn write_urls(plan: &Plan, postgres: &Postgres) -> anyhow::Result<()> {
    for service in databases::SERVICES {
        let (_, password) = plan.data.secret(&databases::password_file(service))?;
        let url = plan.database_url(service, &password, postgres);
        plan.data
            .derived_secret(&database_url_name(service), &url)?;
    }
    Ok(())
}

async fn migrate(plan: &Plan) -> anyhow::Result<()> {
    let mut process = Process::start(&plan.migration(), &plan.reaper)?;
    if !process.wait(MIGRATION_PATIENCE).await {
        bail!(
            "the migrations take longer than {} min",
            MIGRATION_PATIENCE.as_secs() / 60
        );
    }
    if !process.succeeded() {
        bail!("the migrations failed; the lines above say why");
    }
    Ok(())
}

/// Starts the services and Centrifugo. When somebody else takes one of the
/// ports, all of it is started again on others.
async fn start_all(
    plan: &Plan,
    servers: Servers<'_>,
    ports: &mut Ports,
) -> anyhow::Result<Vec<(Recipe, Process)>> {
    let mut tries = 0;
    loop {
        tries += 1;
        let recipes = plan.recipes(servers, ports)?;
        match start_in_order(plan, recipes).await {
            Ok(running) => return Ok(running),
            Err((name, StartError::PortTaken(port))) => {
                if plan.wanted.port == Some(port) {
                    return Err(wanted_port_taken(port));
                }
                if tries == PORT_TRIES {
                    bail!("{name}: port {port} is used by another program");
                }
                ports.forget(port);
            }
            Err((name, error)) => {
                return Err(error).with_context(|| format!("{name} did not start"));
            }
        }
    }
}

fn wanted_port_taken(port: u16) -> anyhow::Error {
    anyhow!("port {port} is used by another program; choose another with --port")
}

/// auth before all, since its keys must be there when Centrifugo is asked, and
/// the gateway last; what does not need each other starts together.
async fn start_in_order(
    plan: &Plan,
    recipes: Vec<Recipe>,
) -> Result<Vec<(Recipe, Process)>, (PartName, StartError)> {
    let stages: [&[PartName]; 3] = [
        &[PartName::Auth, PartName::Standalone],
        &[PartName::Centrifugo, PartName::Rooms, PartName::Messages],
        &[PartName::Publisher, PartName::Gateway],
    ];
    let mut running = Vec::new();
    for stage in stages {
        let starts = recipes
            .iter()
            .filter(|recipe| stage.contains(&recipe.name.first()))
            .map(|recipe| async move {
                let begun = Instant::now();
                let process = recipe.start().await.map_err(|error| (recipe.name, error))?;
                plan.console
                    .done(&format!("{} is ready", recipe.name), begun);
                Ok((recipe.clone(), process))
            });
        running.extend(futures::future::try_join_all(starts).await?);
    }
    Ok(running)
}
