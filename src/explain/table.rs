//! Tables in plain text, for whoever reads the result of an action.

/// Rows under a heading, each column as wide as its widest cell. What comes from
/// outside cannot break a line.
pub fn table(heading: &[&str], rows: &[Vec<String>]) -> String {
    let heading: Vec<String> = heading.iter().map(|cell| (*cell).to_owned()).collect();
    let rows: Vec<Vec<String>> = [&heading]
        .into_iter()
        .chain(rows)
        .map(|row| row.iter().map(|cell| one_line(cell)).collect())
        .collect();
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let lines = rows.iter().map(|row| {
        let cells = row.iter().enumerate();
        let cells: Vec<_> = cells
            .map(|(column, cell)| format!("{cell:<width$}", width = width(column)))
            .collect();
        cells.join("  ").trim_end().to_owned()
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn one_line(cell: &str) -> String {
    let shown = cell.chars().map(|c| if c.is_control() { ' ' } else { c });
    shown.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [
            vec!["1".to_owned(), "ü".to_owned(), String::new()],
            vec!["10".to_owned(), "a\nb".to_owned(), "x".to_owned()],
        ];
        assert_eq!(
            table(&["NO", "NAME", "NOTE"], &rows),
            "NO  NAME  NOTE\n1   ü\n10  a b   x"
        );
    }
}
