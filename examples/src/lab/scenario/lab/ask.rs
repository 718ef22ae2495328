//! What a scenario asks of the programs, as an operator would.

use super::*;

impl Lab<'_> {
    /// What `pmip show WORDS` of a node shows.
    ///
    /// # Errors
    /// When the words are wrong or the node does not answer.
    pub(in crate::lab) fn show(&self, node: &str, what: &str) -> Result<Value, LabError> {
        let words: Vec<String> = what.split(' ').map(str::to_owned).collect();
        let shown = words::show(&words).map_err(LabError::Domain)?;
        let (what, only) = (shown.what, shown.only);
        self.ask(node, &Request::Show { what, only })
            .map_err(failed)
    }

    /// Asks a node; `Err` is what it says.
    ///
    /// # Errors
    /// When it says no or does not answer.
    pub(in crate::lab) fn ask(&self, node: &str, request: &Request) -> Result<Value, String> {
        let program = self.programs.get(node);
        let program = program.ok_or_else(|| format!("{node} does not run"))?;
        ask(&program.control, request).map_err(|error| format!("{error:#}"))
    }

    /// What the program `pmip` prints about a node; the inner `Err` is what it says on standard
    /// error when it does not exit with 0.
    ///
    /// # Errors
    /// When it cannot be run.
    pub(in crate::lab) fn pmip(
        &self,
        node: &str,
        words: &str,
    ) -> Result<Result<String, String>, LabError> {
        let program = self.programs.get(node);
        let program = program.ok_or_else(|| failed(format!("{node} does not run")))?;
        let executable =
            std::env::current_exe().map_err(|error| LabError::domain("finding pmip", error))?;
        let mut command = std::process::Command::new(executable);
        command.args(words.split(' '));
        command.arg("--control").arg(&program.control);
        let output = command
            .output()
            .map_err(|error| LabError::domain("running pmip", error))?;
        let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
        Ok(match output.status.success() {
            true => Ok(text(&output.stdout)),
            false => Err(text(&output.stderr)),
        })
    }

    fn rows<T: DeserializeOwned>(&self, node: &str, what: What) -> Result<Vec<T>, LabError> {
        let shown = self.ask(node, &Request::show(what)).map_err(failed)?;
        serde_json::from_value(shown)
            .map_err(|error| LabError::domain("reading what a program shows", error))
    }

    /// `show bindings` of a node.
    ///
    /// # Errors
    /// When it does not answer.
    pub(in crate::lab) fn bindings(&self, node: &str) -> Result<Vec<BindingRow>, LabError> {
        self.rows(node, What::Bindings)
    }

    /// The binding of one mobile node.
    ///
    /// # Errors
    /// When the node does not answer.
    pub(in crate::lab) fn binding(
        &self,
        node: &str,
        nai: &str,
    ) -> Result<Option<BindingRow>, LabError> {
        let bindings = self.bindings(node)?.into_iter();
        Ok(bindings.into_iter().find(|binding| binding.mn_id == nai))
    }

    /// `show paths` of a node.
    ///
    /// # Errors
    /// When it does not answer.
    pub(in crate::lab) fn paths(&self, node: &str) -> Result<Vec<PathRow>, LabError> {
        self.rows(node, What::Paths)
    }

    /// Labels of the usable paths of a node, in order of their number.
    ///
    /// # Errors
    /// When it does not answer.
    pub(in crate::lab) fn usable(&self, node: &str) -> Result<Vec<String>, LabError> {
        let paths = self.paths(node)?.into_iter();
        let usable = paths.filter(|path| path.usable);
        Ok(usable.filter_map(|path| path.label).collect())
    }

    /// Care-of addresses of the usable paths of a node; a path without multipath has no label.
    ///
    /// # Errors
    /// When it does not answer.
    pub(in crate::lab) fn usable_at(&self, node: &str) -> Result<Vec<IpAddr>, LabError> {
        let paths = self.paths(node)?.into_iter();
        let usable = paths.filter(|path| path.usable);
        Ok(usable.map(|path| path.care_of).collect())
    }

    /// `show flows` of a node.
    ///
    /// # Errors
    /// When it does not answer.
    pub(in crate::lab) fn flows(&self, node: &str) -> Result<Vec<FlowTableRow>, LabError> {
        self.rows(node, What::Flows)
    }

    /// `show mobile-map` of a node.
    ///
    /// # Errors
    /// When it does not answer.
    pub(in crate::lab) fn maps(&self, node: &str) -> Result<Vec<MobileMapRow>, LabError> {
        self.rows(node, What::MobileMap)
    }

    /// `pmip configure` with these lines; the inner `Err` is the refusal.
    ///
    /// # Errors
    /// Never: a refusal is often what is claimed.
    pub(in crate::lab) fn configure(&self, node: &str, lines: &str) -> Result<Value, String> {
        let lines = lines.lines().map(str::to_owned).collect();
        self.ask(node, &Request::Configure { lines })
    }

    /// `pmip configure` that must be taken.
    ///
    /// # Errors
    /// The refusal.
    pub(in crate::lab) fn configured(&self, node: &str, lines: &str) -> Result<(), LabError> {
        self.configure(node, lines).map(drop).map_err(failed)
    }

    /// `pmip clear binding all`, or of one mobile node.
    ///
    /// # Errors
    /// When the node says no.
    pub(in crate::lab) fn clear(&self, node: &str, nai: Option<&str>) -> Result<(), LabError> {
        let nai = nai.map(str::to_owned);
        let cleared = self.ask(node, &Request::ClearBinding { nai });
        cleared.map(drop).map_err(failed)
    }

    /// `pmip attach`: a mobile node came to an interface of a MAG.
    ///
    /// # Errors
    /// When the MAG says no.
    pub(in crate::lab) fn attach(&self, mag: &str, nai: &str, lan: &str) -> Result<(), LabError> {
        let attached = self.ask(
            mag,
            &Request::Attach {
                nai: nai.to_owned(),
                interface: lan.to_owned(),
                ll_addr: Some(mac(nai)),
                att: None,
            },
        );
        attached.map(drop).map_err(failed)
    }

    /// `pmip detach`.
    ///
    /// # Errors
    /// When the MAG says no.
    pub(in crate::lab) fn detach(&self, mag: &str, nai: &str) -> Result<(), LabError> {
        let request = Request::Detach {
            nai: nai.to_owned(),
            interface: None,
            ll_addr: None,
            att: None,
        };
        self.ask(mag, &request).map(drop).map_err(failed)
    }
}

/// A link-layer address for a mobile node: the same for the same name.
fn mac(nai: &str) -> String {
    let hash = nai.bytes().fold(7_u32, |hash, octet| {
        hash.wrapping_mul(31).wrapping_add(octet.into())
    });
    let [a, b, c, d] = hash.to_be_bytes();
    format!("02:00:{a:02x}:{b:02x}:{c:02x}:{d:02x}")
}
