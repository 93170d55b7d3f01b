//! The parameters of an action, typed. Juju checks them against the schema
//! where it has one; what a schema cannot say is checked here.

use serde_json::{Map, Value};

use super::ActionError;
use crate::context::Context;
use crate::plan::refusal::ParameterFault;

/// Parameters that are taken one by one; what is left at the end is a mistake.
pub(crate) struct Parameters(Map<String, Value>);

impl Parameters {
    /// The parameters of the running action.
    ///
    /// # Errors
    /// A hook tool failed.
    pub(crate) fn read(context: &Context) -> Result<Self, ActionError> {
        Ok(Self(context.tools.action_get()?))
    }

    /// Takes a text; `None` where it is absent or empty.
    ///
    /// # Errors
    /// It is no text.
    pub(crate) fn text(&mut self, name: &str) -> Result<Option<String>, ActionError> {
        match self.0.remove(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) if text.is_empty() => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            // Juju reads `revision=5` as a number.
            Some(Value::Number(number)) => Ok(Some(number.to_string())),
            Some(_) => Err(wrong(name, ParameterFault::NotText)),
        }
    }

    /// Takes a whole number that is not negative; `None` where it is absent.
    ///
    /// # Errors
    /// It is none.
    pub(crate) fn number(&mut self, name: &str) -> Result<Option<u64>, ActionError> {
        match self.0.remove(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => match value.as_u64() {
                Some(number) => Ok(Some(number)),
                None => Err(wrong(name, ParameterFault::NotANumber)),
            },
        }
    }

    /// Takes yes or no; no where it is absent.
    ///
    /// # Errors
    /// It is neither.
    pub(crate) fn flag(&mut self, name: &str) -> Result<bool, ActionError> {
        self.flag_or(name, false)
    }

    /// Takes yes or no; `default` where it is absent.
    ///
    /// # Errors
    /// It is neither.
    pub(crate) fn flag_or(&mut self, name: &str, default: bool) -> Result<bool, ActionError> {
        match self.0.remove(name) {
            None | Some(Value::Null) => Ok(default),
            Some(Value::Bool(flag)) => Ok(flag),
            Some(_) => Err(wrong(name, ParameterFault::NotAFlag)),
        }
    }

    /// That there is nothing else.
    ///
    /// # Errors
    /// A parameter was not taken, so the action does not know it.
    pub(crate) fn finish(self) -> Result<(), ActionError> {
        match self.0.keys().next() {
            None => Ok(()),
            Some(name) => Err(wrong(name, ParameterFault::Unknown)),
        }
    }
}

/// A parameter that cannot be used, and why.
pub(crate) fn wrong(name: &str, fault: ParameterFault) -> ActionError {
    ActionError::Parameter {
        name: name.to_owned(),
        fault,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parameters(value: Value) -> Parameters {
        match value {
            Value::Object(map) => Parameters(map),
            _ => panic!("no map"),
        }
    }

    #[test]
    fn each_is_taken_as_what_it_is() {
        let mut given = parameters(json!({"a": "x", "b": 5, "c": true, "d": "", "e": 7}));
        assert_eq!(given.text("a").expect("a text"), Some("x".to_owned()));
        assert_eq!(given.number("b").expect("a number"), Some(5));
        assert!(given.flag("c").expect("a flag"));
        assert_eq!(given.text("d").expect("nothing"), None);
        assert_eq!(given.text("e").expect("a text"), Some("7".to_owned()));
        assert_eq!(given.number("f").expect("nothing"), None);
        given.finish().expect("nothing is left");
    }

    #[test]
    fn a_mistake_names_the_parameter() {
        let given = || parameters(json!({"confirm": "yes", "days": -1}));
        let text = |error: ActionError| error.to_string();
        assert_eq!(
            text(given().flag("confirm").expect_err("a text")),
            "parameter `confirm` is neither true nor false"
        );
        assert_eq!(
            text(given().number("days").expect_err("negative")),
            "parameter `days` is no whole number"
        );
        assert_eq!(
            text(given().finish().expect_err("left")),
            "parameter `confirm` is not known to this action"
        );
    }
}
