/** Why a candidate was taken or not. */
export type SelectionReason =
  | "chosen"
  | "lower_weight"
  | "higher_impact"
  | "later_name"
  | "needs_approval"
  | "nothing_to_do"
  | "no_gain_foreseen"
  | "weight_zero"
  | "failed_recently"
  | "rejected_recently"
  | "suspended"
  | "not_applicable"
  | "mode_off"
  | "held"
  | "impact_above_limit"
  | "wrong_class";

export interface Considered {
  readonly name: string;
  readonly weight: number;
  readonly impact: number;
  readonly taken: boolean;
  readonly reason_code: SelectionReason;
  /** For a person. */
  readonly reason: string;
  /** When what speaks against it ends, where that is known; seconds since 1970. */
  readonly until?: number;
  /** The statement that ends it before. */
  readonly lift?: string;
}
