//! Command lines as juju/gnuflag reads them: flags and arguments in any order,
//! `--x=y`, `--x y`, `-xy`, and `--` as the end of flags.

use crate::tool::ToolError;

/// One flag of a tool. The names carry no hyphens; one letter means `-x`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flag {
    pub(crate) names: &'static [&'static str],
    pub(crate) takes_value: bool,
}

pub(crate) const fn switch(names: &'static [&'static str]) -> Flag {
    Flag {
        names,
        takes_value: false,
    }
}

pub(crate) const fn value(names: &'static [&'static str]) -> Flag {
    Flag {
        names,
        takes_value: true,
    }
}

/// A read command line. Flags are kept under the first name of each, with the
/// spelling that was used, because error texts repeat it.
#[derive(Debug, Default)]
pub(crate) struct Parsed {
    flags: Vec<(&'static str, String, String)>,
    pub(crate) positional: Vec<String>,
    pub(crate) help: bool,
}

impl Parsed {
    pub(crate) fn flag(&self, name: &str) -> Option<&str> {
        self.spelled(name).map(|(_, value)| value)
    }

    /// The value of a flag with the spelling of the flag, such as `-r`.
    pub(crate) fn spelled(&self, name: &str) -> Option<(&str, &str)> {
        let found = self.flags.iter().rev().find(|(first, _, _)| *first == name);
        found.map(|(_, spelling, value)| (spelling.as_str(), value.as_str()))
    }

    pub(crate) fn is_set(&self, name: &str) -> bool {
        self.flag(name) == Some("true")
    }

    /// Refuses arguments after the first `count`, as cmd.CheckEmpty does.
    pub(crate) fn at_most(&self, count: usize) -> Result<(), ToolError> {
        let Some(rest) = self.positional.get(count..).filter(|rest| !rest.is_empty()) else {
            return Ok(());
        };
        Err(unrecognized(rest))
    }
}

pub(crate) fn unrecognized(rest: &[String]) -> ToolError {
    let quoted: Vec<String> = rest.iter().map(|text| crate::format::quote(text)).collect();
    ToolError::usage(format!("unrecognized args: [{}]", quoted.join(" ")))
}

pub(crate) fn parse(args: &[String], known: &[Flag]) -> Result<Parsed, ToolError> {
    let mut parsed = Parsed::default();
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        if arg == "--" {
            parsed.positional.extend(rest.by_ref().cloned());
        } else if let Some(long) = arg.strip_prefix("--") {
            let (name, attached) = match long.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (long, None),
            };
            one(&mut parsed, known, name, "--", attached, &mut rest)?;
        } else if arg.len() > 1 && arg.starts_with('-') {
            for (index, letter) in arg[1..].char_indices() {
                let after = &arg[1 + index + letter.len_utf8()..];
                let attached = (!after.is_empty()).then(|| after.to_owned());
                let name = letter.to_string();
                let wants = known
                    .iter()
                    .any(|flag| flag.takes_value && flag.names.contains(&name.as_str()));
                one(
                    &mut parsed,
                    known,
                    &name,
                    "-",
                    if wants { attached } else { None },
                    &mut rest,
                )?;
                if wants || parsed.help {
                    break;
                }
            }
        } else {
            parsed.positional.push(arg.clone());
        }
        if parsed.help {
            break;
        }
    }
    Ok(parsed)
}

fn one<'a>(
    parsed: &mut Parsed,
    known: &[Flag],
    name: &str,
    hyphens: &str,
    attached: Option<String>,
    rest: &mut impl Iterator<Item = &'a String>,
) -> Result<(), ToolError> {
    if name == "help" || name == "h" {
        parsed.help = true;
        return Ok(());
    }
    let right_length = (name.chars().count() == 1) == (hyphens == "-");
    let found = known
        .iter()
        .find(|flag| right_length && flag.names.contains(&name));
    let Some(flag) = found else {
        return Err(ToolError::usage(format!(
            "option provided but not defined: {hyphens}{name}"
        )));
    };
    let value = match (flag.takes_value, attached) {
        (true, Some(value)) => value,
        (true, None) => rest.next().cloned().ok_or_else(|| {
            ToolError::usage(format!("option needs an argument: {hyphens}{name}"))
        })?,
        (false, None) => "true".to_owned(),
        (false, Some(text)) => boolean(&text).ok_or_else(|| {
            let quoted = crate::format::quote(&text);
            let why = format!("strconv.ParseBool: parsing {quoted}: invalid syntax");
            ToolError::usage(format!(
                "invalid boolean value {quoted} for option {hyphens}{name}: {why}"
            ))
        })?,
    };
    parsed
        .flags
        .push((flag.names[0], format!("{hyphens}{name}"), value));
    Ok(())
}

fn boolean(text: &str) -> Option<String> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some("true".to_owned()),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some("false".to_owned()),
        _ => None,
    }
}

/// The `key=value` arguments of relation-set, state-set and leader-set:
/// utils/keyvalues trims white space around keys and values and refuses repeats.
pub(crate) fn key_values(args: &[String]) -> Result<Vec<(String, String)>, ToolError> {
    let mut pairs: Vec<(String, String)> = Vec::new();
    for arg in args {
        let (key, value) = match arg.split_once('=') {
            Some((key, value)) if !key.is_empty() => (key.trim(), value.trim()),
            _ => {
                return Err(ToolError::usage(format!(
                    "expected \"key=value\", got {}",
                    crate::format::quote(arg)
                )));
            }
        };
        if pairs.iter().any(|(other, _)| other == key) {
            return Err(ToolError::usage(format!(
                "key {} specified more than once",
                crate::format::quote(key)
            )));
        }
        pairs.push((key.to_owned(), value.to_owned()));
    }
    Ok(pairs)
}
