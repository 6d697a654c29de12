// <smartcar-connect-button> as a component, for React 18 and newer.
import type { ForwardRefExoticComponent, HTMLAttributes, RefAttributes } from "react";
import type { SmartcarConnectButton as Element, SmartcarConnectButtonEventMap, SmartcarConnectButtonOptions } from "./element.js";

type Given<Options> = { [Name in keyof Options]?: Options[Name] | undefined };

export interface SmartcarConnectButtonProps extends Omit<HTMLAttributes<Element>, "onError">, Given<SmartcarConnectButtonOptions> {
  /** What came of it: `detail` is as of `popup` or `finish`. */
  onOutcome?: ((event: SmartcarConnectButtonEventMap["outcome"]) => void) | undefined;
  /** What went wrong. `preventDefault()` keeps the button from showing its own message. */
  onError?: ((event: SmartcarConnectButtonEventMap["error"]) => void) | undefined;
}

/**
 * A button that connects a car. Without `connect` and `edge` it calls as the provider does that it stands in.
 * Its words are its children, those with `slot="busy"`, and those with `slot="error"`.
 */
export declare const SmartcarConnectButton: ForwardRefExoticComponent<SmartcarConnectButtonProps & RefAttributes<Element>>;
