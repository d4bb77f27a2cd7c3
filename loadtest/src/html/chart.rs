//! One plot as SVG. Its colours are the page's: names in place of colours, so
//! that the light and the dark theme have their own.

use plotters::{
    backend::SVGBackend,
    chart::ChartBuilder,
    drawing::IntoDrawingArea,
    element::{Circle, PathElement, Rectangle},
    style::{Color, FontFamily, IntoFont, RGBColor, ShapeStyle, TextStyle},
};

use super::axis::Axis;

/// Why there is no plot.
#[derive(Debug, thiserror::Error)]
#[error("cannot draw {title}: {reason}")]
pub(crate) struct ChartError {
    title: &'static str,
    reason: String,
}

/// How large a plot is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Size {
    /// As wide as the page.
    Wide,
    /// As wide as half of it, or a telephone.
    Narrow,
}

impl Size {
    /// Its width and height (CSS px).
    const fn pixels(self) -> (u32, u32) {
        match self {
            Self::Wide => (920, 320),
            Self::Narrow => (400, 250),
        }
    }

    /// Most ticks of its time axis.
    pub(super) const fn x_ticks(self) -> f64 {
        match self {
            Self::Wide => 12.0,
            Self::Narrow => 6.0,
        }
    }
}

/// A line: parts, with nothing between them.
pub(super) struct Line<'a> {
    /// From 1.
    pub(super) color: u8,
    pub(super) parts: &'a [Vec<(f64, f64)>],
}

/// One plot.
pub(super) struct Chart<'a> {
    pub(super) title: &'static str,
    pub(super) x_label: &'a str,
    pub(super) y_label: &'a str,
    pub(super) y: &'a Axis,
    /// The first is drawn above the others.
    pub(super) lines: &'a [Line<'a>],
    /// From where to where it has another background.
    pub(super) band: Option<(f64, f64)>,
}

/// Plotters draws at whole pixels: so many of them are one of the page's.
const SCALE: i32 = 4;
const FONT: i32 = 12;
/// What plotters divides the size of a font by.
const FONT_FACTOR: f64 = 1.24;
/// Colours that stand for the page's: the last part is which.
const STAND_IN: (u8, u8) = (0xFE, 0x01);
/// Most lines.
pub(super) const MOST_LINES: u8 = 8;
const INK: u8 = 0x10;
const GRID: u8 = 0x11;
const BAND: u8 = 0x12;

const fn color(which: u8) -> RGBColor {
    RGBColor(STAND_IN.0, STAND_IN.1, which)
}

/// The page's variables, by what stands for them.
fn variables() -> impl Iterator<Item = (u8, String)> {
    let lines = (1..=MOST_LINES).map(|which| (which, format!("--line-{which}")));
    let others = [(INK, "--ink-2"), (GRID, "--grid"), (BAND, "--band")];
    lines.chain(others.map(|(which, name)| (which, name.to_owned())))
}

impl Chart<'_> {
    /// Draws it.
    pub(super) fn draw(&self, x: &Axis, size: Size) -> Result<String, ChartError> {
        let mut svg = String::new();
        self.draw_into(&mut svg, x, size)
            .map_err(|reason| ChartError {
                title: self.title,
                reason,
            })?;
        for (which, name) in variables() {
            let RGBColor(red, green, blue) = color(which);
            svg = svg.replace(
                &format!("\"#{red:02X}{green:02X}{blue:02X}\""),
                &format!("\"var({name})\""),
            );
        }
        let (width, height) = size.pixels();
        let (wide, high) = (width * SCALE.unsigned_abs(), height * SCALE.unsigned_abs());
        // The page says how large it is; a name is for who cannot see it.
        let begin = format!("<svg width=\"{wide}\" height=\"{high}\"");
        let named = format!(
            "<svg role=\"img\" aria-label=\"{}\" width=\"{width}\" height=\"{height}\"",
            self.title
        );
        Ok(svg.replacen(&begin, &named, 1))
    }

    fn draw_into(&self, svg: &mut String, x: &Axis, size: Size) -> Result<(), String> {
        let (width, height) = size.pixels();
        let scale = SCALE.unsigned_abs();
        let area =
            SVGBackend::with_string(svg, (width * scale, height * scale)).into_drawing_area();
        let longest = self.y.ticks.iter().map(|(_, text)| text.chars().count());
        let longest = i32::try_from(longest.max().unwrap_or(1)).unwrap_or(1);
        let mut chart = ChartBuilder::on(&area)
            .margin_top(FONT * SCALE)
            .margin_right(2 * FONT * SCALE)
            .margin_bottom(4 * SCALE)
            .x_label_area_size(40 * SCALE)
            .y_label_area_size((34 + 7 * longest) * SCALE)
            .build_cartesian_2d(x.clone(), self.y.clone())
            .map_err(reason)?;
        if let Some((from, to)) = self.band {
            let corners = [(from, self.y.from), (to, self.y.to)];
            let band = Rectangle::new(corners, color(BAND).filled());
            chart.draw_series([band]).map_err(reason)?;
        }
        let font = (FontFamily::SansSerif, f64::from(FONT * SCALE) * FONT_FACTOR).into_font();
        let ink = color(INK);
        let text = TextStyle::from(font).color(&ink);
        let line = |which, width: i32| ShapeStyle {
            color: color(which).to_rgba(),
            filled: false,
            stroke_width: (width * SCALE / 2).unsigned_abs(),
        };
        chart
            .configure_mesh()
            .bold_line_style(line(GRID, 2))
            .axis_style(line(GRID, 2))
            .label_style(text.clone())
            .axis_desc_style(text)
            .set_all_tick_mark_size(4 * SCALE)
            .x_desc(self.x_label)
            .y_desc(self.y_label)
            .draw()
            .map_err(reason)?;
        for drawn in self.lines.iter().rev() {
            for part in drawn.parts {
                let points = part.iter().map(|(at, value)| (*at, self.y.of(*value)));
                let points: Vec<_> = points.collect();
                if let [alone] = points[..] {
                    let point = Circle::new(alone, 3 * SCALE, color(drawn.color).filled());
                    chart.draw_series([point]).map_err(reason)?;
                } else {
                    let path = PathElement::new(points, line(drawn.color, 3));
                    chart.draw_series([path]).map_err(reason)?;
                }
            }
        }
        area.present().map_err(reason)
    }
}

fn reason(error: impl std::fmt::Display) -> String {
    error.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::html::axis;

    #[test]
    fn a_plot_has_its_words_and_no_colour_of_its_own() {
        let parts = [vec![(0.0, 1.0), (1.0, 2.0)], vec![(3.0, 1.0)]];
        let lines = [Line {
            color: 1,
            parts: &parts,
        }];
        let chart = Chart {
            title: "Deliveries",
            x_label: "time (s)",
            y_label: "a second",
            y: &axis::linear(2.0, 1.0),
            lines: &lines,
            band: Some((1.0, 2.0)),
        };
        for size in [Size::Wide, Size::Narrow] {
            let svg = chart.draw(&axis::time(4.0, size.x_ticks()), size).unwrap();
            for word in [
                "aria-label=\"Deliveries\"",
                "time (s)",
                "a second",
                "var(--line-1)",
            ] {
                assert!(svg.contains(word), "no {word}: {svg}");
            }
            assert!(!svg.contains("\"#"), "{svg}");
            assert!(svg.contains("<circle"), "a point alone is seen: {svg}");
        }
    }
}
