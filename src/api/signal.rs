//! The signals of Smartcar's v3: what their codes look like, and which permission each takes.
//!
//! Smartcar adds signals at any time, so no list of them decides what may be read. Which permission one takes Smartcar does not say:
//! where v2 has the same under a permission, it is that.

/// The longest code that is taken for one, in bytes.
const LONGEST_CODE: usize = 64;

/// Whether it can be the code of a signal: a group, a hyphen and a name, in small letters and digits.
pub(super) fn is_signal_code(text: &str) -> bool {
    let is_part = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    let is_short = text.len() <= LONGEST_CODE;
    is_short
        && text
            .split_once('-')
            .is_some_and(|(group, name)| is_part(group) && is_part(name))
}

/// The permission that a signal takes; `None` if that is not known.
pub(super) fn signal_permission(code: &str) -> Option<&'static str> {
    let (group, name) = code.split_once('-')?;
    Some(match (group, name) {
        ("odometer", _) => "read_odometer",
        ("tractionbattery", _) => "read_battery",
        ("charge", "chargerecords") => "read_charge_records",
        ("charge", _) => "read_charge",
        ("closure", _) => "read_security",
        ("location", _) => "read_location",
        ("climate" | "hvac", _) => "read_climate",
        ("internalcombustionengine", "oillife") => "read_engine_oil",
        ("internalcombustionengine", _) => "read_fuel",
        ("diagnostics", _) => "read_diagnostics",
        ("service", "records") => "read_service_history",
        ("wheel", "tires") => "read_tires",
        ("motion", "currentspeed") => "read_speedometer",
        ("vehicleidentification", "vin") => "read_vin",
        _ => return None,
    })
}

/// A signal that takes a permission, or for a command one that reads the same; `None` if there is none.
pub(super) fn signal_for(permission: &str) -> Option<&'static str> {
    Some(match permission {
        "read_odometer" => "odometer-traveleddistance",
        "read_battery" => "tractionbattery-stateofcharge",
        "read_charge" | "control_charge" => "charge-ischarging",
        "read_security" | "control_security" => "closure-islocked",
        "read_location" => "location-preciselocation",
        "read_climate" | "control_climate" => "climate-internaltemperature",
        "read_engine_oil" => "internalcombustionengine-oillife",
        "read_fuel" => "internalcombustionengine-fuellevel",
        "read_diagnostics" => "diagnostics-dtccount",
        "read_service_history" => "service-records",
        "read_tires" => "wheel-tires",
        "read_speedometer" => "motion-currentspeed",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_has_nothing_that_means_anything_in_a_path() {
        for code in ["odometer-traveleddistance", "vehicleidentification-vin", "hvac-x2"] {
            assert!(is_signal_code(code), "{code}");
        }
        let long = format!("charge-{}", "x".repeat(LONGEST_CODE));
        for other in [
            "",
            "-",
            "odometer",
            "odometer-",
            "-vin",
            "a-b-c",
            "Odometer-x",
            "a-b/..",
            "a-%62",
            "a-b?",
            "a-b#",
            "a_b-c",
            "..",
            &long,
        ] {
            assert!(!is_signal_code(other), "{other}");
        }
    }

    #[test]
    fn what_is_asked_for_a_permission_takes_it() {
        for permission in [
            "read_odometer",
            "read_battery",
            "read_charge",
            "read_security",
            "read_location",
            "read_climate",
            "read_engine_oil",
            "read_fuel",
            "read_diagnostics",
            "read_service_history",
            "read_tires",
            "read_speedometer",
        ] {
            let code = signal_for(permission).unwrap();
            assert!(is_signal_code(code), "{code}");
            assert_eq!(signal_permission(code), Some(permission));
        }
        for (command, read) in [("control_charge", "read_charge"), ("control_security", "read_security")] {
            assert_eq!(signal_for(command), signal_for(read));
        }
        for none in ["read_vin", "read_vehicle_info", "control_navigation", "", "x"] {
            assert_eq!(signal_for(none), None, "{none}");
        }
        assert_eq!(signal_permission("surveillance-brand"), None);
        assert_eq!(signal_permission("odometer"), None);
    }
}
