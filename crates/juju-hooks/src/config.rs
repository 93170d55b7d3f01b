//! What the operator configured.

use serde_json::{Map, Value};

use super::{ToolError, Tools};

impl Tools {
    /// All options that have a value, set or default, as the types that they are
    /// declared with (`jujuc/config-get.go`). The answer is the same for the whole
    /// hook. An option without either is absent.
    ///
    /// # Errors
    /// Only those of every tool: see [`ToolError`].
    pub fn config_get(&self) -> Result<Map<String, Value>, ToolError> {
        let options: Option<Map<_, _>> = self.call("config-get").json()?;
        Ok(options.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::super::fake::Fake;

    #[test]
    fn options_keep_their_types() {
        let fake = Fake::printing("config-get", "{\"a\":\"\\u003c\",\"b\":true,\"c\":5}\n");
        let options = fake.tools().config_get().expect("options");
        assert_eq!(options["a"], "<");
        assert_eq!(options["b"], true);
        assert_eq!(options["c"], 5);
        assert_eq!(fake.argv("config-get"), ["--format=json"]);
    }

    #[test]
    fn a_charm_without_options_has_none() {
        for nothing in ["{}\n", "null\n"] {
            let fake = Fake::printing("config-get", nothing);
            assert!(fake.tools().config_get().expect("options").is_empty());
        }
    }
}
