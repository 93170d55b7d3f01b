//! Values of unit files: specifiers, quoted words, variables, time spans, as systemd reads them.

use std::collections::BTreeMap;
use std::time::Duration;

/// Replaces specifiers. One that is not known here is an error, so that an unescaped `%` is found.
pub(crate) fn specifiers(value: &str, unit: &str) -> Result<String, String> {
    let mut result = String::new();
    let mut rest = value.chars();
    while let Some(character) = rest.next() {
        if character != '%' {
            result.push(character);
            continue;
        }
        match rest.next() {
            Some('%') => result.push('%'),
            Some('n') => result.push_str(&format!("{unit}.service")),
            Some('N' | 'p') => result.push_str(unit),
            Some('H') => result.push_str("localhost"),
            other => return Err(format!("specifier %{} in {value}", other.unwrap_or(' '))),
        }
    }
    Ok(result)
}

/// Splits a value into words at white space outside of quotes.
pub(crate) fn split(value: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut rest = value.chars();
    while let Some(character) = rest.next() {
        match (character, quote) {
            ('\\', _) => {
                let escaped = match rest.next() {
                    Some('n') => '\n',
                    Some('t') => '\t',
                    Some('s') => ' ',
                    Some(other @ ('\\' | '"' | '\'')) => other,
                    _ => return Err(format!("escape sequence in {value}")),
                };
                word.get_or_insert_default().push(escaped);
            }
            (_, Some(open)) if character == open => quote = None,
            ('"' | '\'', None) => {
                quote = Some(character);
                word.get_or_insert_default();
            }
            (_, None) if character.is_whitespace() => words.extend(word.take()),
            _ => word.get_or_insert_default().push(character),
        }
    }
    if quote.is_some() {
        return Err(format!("unbalanced quote in {value}"));
    }
    words.extend(word);
    Ok(words)
}

/// Replaces variables: `${NAME}` within a word, and a word that is `$NAME` by as many words as the value has.
pub(crate) fn variables(words: &[String], environment: &BTreeMap<String, String>) -> Vec<String> {
    let value = |name: &str| environment.get(name).map_or("", String::as_str);
    let mut result = Vec::new();
    for word in words {
        let is_name = |name: &str| {
            !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        };
        if let Some(name) = word.strip_prefix('$').filter(|name| is_name(name)) {
            result.extend(value(name).split_whitespace().map(str::to_owned));
            continue;
        }
        let mut replaced = String::new();
        let mut rest = word.as_str();
        while let Some((before, after)) = rest.split_once('$') {
            replaced.push_str(before);
            rest = after;
            if let Some(after) = rest.strip_prefix('$') {
                replaced.push('$');
                rest = after;
            } else if let Some((name, after)) =
                rest.strip_prefix('{').and_then(|rest| rest.split_once('}'))
            {
                replaced.push_str(value(name));
                rest = after;
            } else {
                replaced.push('$');
            }
        }
        result.push(replaced + rest);
    }
    result
}

/// Reads a time span; `None` is `infinity`.
pub(crate) fn time_span(value: &str) -> Result<Option<Duration>, String> {
    if value == "infinity" {
        return Ok(None);
    }
    let mut sum = Duration::ZERO;
    let mut rest = value.trim();
    while !rest.is_empty() {
        let digits = rest
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(rest.len());
        let (number, after) = rest.split_at(digits);
        let after = after.trim_start();
        let letters = after
            .find(|c: char| !c.is_ascii_alphabetic())
            .unwrap_or(after.len());
        let (unit, after) = after.split_at(letters);
        let number: f64 = number.parse().map_err(|_| format!("time span {value}"))?;
        let seconds = match unit {
            "" | "s" | "sec" | "second" | "seconds" => 1.0,
            "ms" | "msec" => 0.001,
            "us" | "usec" => 0.000_001,
            "m" | "min" | "minute" | "minutes" => 60.0,
            "h" | "hr" | "hour" | "hours" => 3600.0,
            _ => return Err(format!("time span {value}")),
        };
        sum += Duration::from_secs_f64(number * seconds);
        rest = after.trim_start();
    }
    Ok(Some(sum))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owned(words: &[&str]) -> Vec<String> {
        words.iter().map(|&word| word.to_owned()).collect()
    }

    #[test]
    fn words_are_split_outside_of_quotes() {
        let words = split(r#"/bin/sh -c "a  'b'" '' x\\y"#);
        assert_eq!(words, Ok(owned(&["/bin/sh", "-c", "a  'b'", "", "x\\y"])));
        assert!(split("\"open").is_err());
    }

    #[test]
    fn variables_are_replaced_within_words_and_split_as_words() {
        let environment = BTreeMap::from([("A".to_owned(), "1 2".to_owned())]);
        let words = variables(&owned(&["$A", "${A}x", "$$A", "$NONE", "a$"]), &environment);
        assert_eq!(words, owned(&["1", "2", "1 2x", "$A", "a$"]));
    }

    #[test]
    fn specifiers_are_replaced_and_unknown_ones_refused() {
        assert_eq!(
            specifiers("%n 100%% %p", "a"),
            Ok("a.service 100% a".to_owned())
        );
        assert!(specifiers("100%", "a").is_err());
    }

    #[test]
    fn time_spans_have_units() {
        assert_eq!(time_span("5"), Ok(Some(Duration::from_secs(5))));
        assert_eq!(time_span("1min 30s"), Ok(Some(Duration::from_secs(90))));
        assert_eq!(time_span("100ms"), Ok(Some(Duration::from_millis(100))));
        assert_eq!(time_span("infinity"), Ok(None));
        assert!(time_span("soon").is_err());
    }
}
