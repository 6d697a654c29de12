//! The parameters that Connect adds to the redirect URI.

/// Defines the parameters: those that any callback may have, and those that only come with an `error`.
macro_rules! parameters {
    (always { $($always:ident,)+ } with_error { $($with_error:ident,)+ }) => {
        /// The value of each parameter that a callback has.
        #[derive(Default)]
        pub(super) struct Parameters {
            $(pub(super) $always: Option<String>,)+
            $(pub(super) $with_error: Option<String>,)+
        }

        impl Parameters {
            /// Where the value of the parameter called `name` belongs.
            pub(super) fn slot(&mut self, name: &str) -> Option<&mut Option<String>> {
                match name {
                    $(stringify!($always) => Some(&mut self.$always),)+
                    $(stringify!($with_error) => Some(&mut self.$with_error),)+
                    _ => None,
                }
            }
        }

        /// The name, if it is one that Connect adds on its own.
        pub(in crate::connect) fn known_name(name: &str) -> Option<&'static str> {
            match name {
                $(stringify!($always) => Some(stringify!($always)),)+
                $(stringify!($with_error) => Some(stringify!($with_error)),)+
                _ => None,
            }
        }

        /// Whether it is one of those that come with an `error` alone. Without one, a `make` or `year` is the app's own.
        pub(super) fn comes_with_error_only(name: &str) -> bool {
            matches!(name, $(stringify!($with_error))|+)
        }
    };
}

parameters! {
    always { code, error, error_description, external_id, iss, state, user_id, vehicle_id, virtual_key_url, }
    with_error { error_message, make, model, status_code, vin, year, }
}
