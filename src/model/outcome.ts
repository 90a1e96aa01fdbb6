/** What is learned from, and what of it. */
import type { ProblemClass } from "./problem.ts";

/** What learning reads of an outcome row. */
export interface Outcome {
  readonly strategy: string;
  readonly problem_class: ProblemClass;
  readonly success: boolean;
  /** null: the verification was never reached, which is no success. */
  readonly verified: boolean | null;
  /**
   * Fraction: 0.25 is a quarter better. null: not known (lambda was 0 before, or unknown); left out
   * of the mean.
   */
  readonly improvement: number | null;
  /** What a person said of it, -1 to 1; null: nothing. */
  readonly feedback: number | null;
}

/** A row of ruvector.healing_weights. */
export interface Weight {
  readonly strategy: string;
  /** "*": over all classes. */
  readonly problem_class: string;
  readonly weight: number;
  readonly outcomes: number;
}
