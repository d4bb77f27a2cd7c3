//! Logs on standard output, one JSON object a line; traces by OTLP when an
//! endpoint is configured.

use std::time::Duration;

use anyhow::Context;
use opentelemetry::{KeyValue, trace::TracerProvider};
use opentelemetry_otlp::WithExportConfig;
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    trace::{SdkTracerProvider, SpanData, SpanExporter},
};
use tracing_subscriber::{EnvFilter, Layer, layer::SubscriberExt, util::SubscriberInitExt};

use crate::retry::Outage;

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For people at a terminal.
    Text,
}

/// Logs and traces.
#[derive(Debug, Clone, clap::Args)]
pub struct TelemetryArgs {
    /// What to log: a level, or `target=level` pairs separated by commas
    #[arg(long, env = "PLAZA_LOG", default_value = "info")]
    pub log: String,
    /// json (one object a line) or text
    #[arg(long, env = "PLAZA_LOG_FORMAT", value_enum, default_value_t = LogFormat::Json)]
    pub log_format: LogFormat,
    /// OTLP/HTTP endpoint for traces, such as http://127.0.0.1:4318/v1/traces; without it nothing is exported
    #[arg(long, env = "PLAZA_OTLP_ENDPOINT")]
    pub otlp_endpoint: Option<String>,
    /// Share of new traces that are exported, 0 to 1
    #[arg(long, env = "PLAZA_OTLP_SAMPLE_RATIO", default_value_t = 1.0)]
    pub otlp_sample_ratio: f64,
}

/// Flushes the traces when it is dropped, at the end of `main`.
#[derive(Debug)]
pub struct Telemetry {
    provider: SdkTracerProvider,
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        let _ = self.provider.shutdown();
    }
}

/// Runs a part with logs and traces. The error that it ends with is logged.
///
/// # Errors
/// Those of [`init`], and the part's own.
pub async fn around(
    name: &'static str,
    args: &TelemetryArgs,
    run: impl Future<Output = anyhow::Result<()>>,
) -> anyhow::Result<()> {
    let telemetry = init(name, args)?;
    let result = run.await;
    if let Err(error) = &result {
        tracing::error!(error = format!("{error:#}"), "{name} ends with an error");
    }
    // The exporter flushes on a thread that may block: not on the runtime's.
    tokio::task::spawn_blocking(move || drop(telemetry)).await?;
    result
}

/// Tells in the log when the collector goes away and when it is back.
#[derive(Debug)]
struct Watched<E> {
    exporter: E,
    outage: Outage,
}

impl<E> Watched<E> {
    fn new(exporter: E) -> Self {
        Self {
            exporter,
            outage: Outage::new("the trace collector"),
        }
    }
}

impl<E: SpanExporter> SpanExporter for Watched<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let result = self.exporter.export(batch).await;
        match &result {
            Ok(()) => self.outage.answered(),
            Err(error) => self.outage.failed(error),
        }
        result
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

/// Starts logs, metrics and traces for the part of this name.
pub fn init(part: &'static str, args: &TelemetryArgs) -> anyhow::Result<Telemetry> {
    use opentelemetry_sdk::trace::Sampler;
    let filter = EnvFilter::try_new(&args.log).with_context(|| {
        format!(
            "PLAZA_LOG: {:?} is no log filter; try `info` or `plaza_messages=debug,info`",
            args.log
        )
    })?;
    crate::metrics::install().context("cannot start the metrics")?;

    let resource = Resource::builder()
        .with_service_name(format!("plaza-{part}"))
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .build();
    let mut provider = SdkTracerProvider::builder()
        .with_resource(resource)
        .with_sampler(Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(
            args.otlp_sample_ratio,
        ))));
    if let Some(endpoint) = args
        .otlp_endpoint
        .as_deref()
        .filter(|endpoint| !endpoint.is_empty())
    {
        let exporter = opentelemetry_otlp::SpanExporter::builder()
            .with_http()
            .with_endpoint(endpoint)
            .build()
            .context("PLAZA_OTLP_ENDPOINT: cannot start the exporter")?;
        provider = provider.with_batch_exporter(Watched::new(exporter));
    }
    let provider = provider.build();
    // Spans are made without an exporter too: their ids travel as traceparent
    // and stand in the log.
    let traces = tracing_opentelemetry::layer()
        .with_tracer(provider.tracer("plaza"))
        .with_location(false)
        .with_threads(false)
        .with_tracked_inactivity(false)
        .with_filter(
            tracing_subscriber::filter::Targets::new().with_target("plaza", tracing::Level::INFO),
        );
    let logs = match args.log_format {
        LogFormat::Json => tracing_subscriber::fmt::layer()
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .with_span_list(false)
            .boxed(),
        LogFormat::Text => tracing_subscriber::fmt::layer().compact().boxed(),
    };
    tracing_subscriber::registry()
        .with(traces)
        .with(logs.with_filter(filter))
        .try_init()
        .context("telemetry was started twice")?;
    Ok(Telemetry { provider })
}
