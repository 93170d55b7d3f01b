//! Columns of text.

use crate::screen::{Screen, WIDTH, wrap};

/// The space between two columns.
const GAP: &str = "  ";

/// Rows of equal length, of which the first may be a heading.
#[derive(Default)]
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these headings.
    pub(crate) fn of(headings: &[&str]) -> Self {
        let mut table = Self::default();
        table.row(headings.iter().map(|heading| (*heading).to_owned()));
        table
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// The lines of the table, none wider than what a step may show: the last
    /// column goes on below itself.
    pub(crate) fn lines(&self) -> Vec<String> {
        let last = self.rows.iter().map(Vec::len).max().unwrap_or(1) - 1;
        let widths: Vec<usize> = (0..last)
            .map(|column| {
                let cells = self.rows.iter().filter_map(|row| row.get(column));
                cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
            })
            .collect();
        let before: usize = widths.iter().map(|width| width + GAP.len()).sum();
        let room = (WIDTH - 3).saturating_sub(before).max(20);
        let mut lines = Vec::new();
        for row in &self.rows {
            let mut start = String::new();
            for (cell, width) in row.iter().zip(&widths) {
                start.push_str(&format!("{cell:width$}{GAP}"));
            }
            for part in wrap(row.get(last).map_or("", String::as_str), room) {
                lines.push(format!("{start:before$}{part}").trim_end().to_owned());
                start.clear();
            }
        }
        lines
    }

    /// Shows it.
    pub(crate) fn show(&self, screen: &Screen) {
        for line in self.lines() {
            screen.show(&line);
        }
    }
}
