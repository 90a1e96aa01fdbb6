/** Who may do what: the Roles and RoleBindings in the store, as Kubernetes reads them. */
import type { Resource } from "./resources.ts";
import { StatusError } from "./status.ts";
import type { Obj, Store } from "./store.ts";

export interface User {
  readonly name: string;
  /** May do anything. */
  readonly admin?: boolean;
}

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
  readonly resourceNames?: readonly string[];
}

export interface Wish {
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
}

interface Kinds {
  readonly role: Resource;
  readonly binding: Resource;
}

const fits = (values: readonly string[], value: string): boolean =>
  values.includes("*") || values.includes(value);

function allows(rules: readonly Rule[], { verb, group, resource, name }: Wish): boolean {
  return rules.some(
    (rule) =>
      fits(rule.apiGroups, group) &&
      fits(rule.resources, resource) &&
      fits(rule.verbs, verb) &&
      (rule.resourceNames === undefined ||
        (name !== undefined && rule.resourceNames.includes(name))),
  );
}

function binds(binding: Obj, user: string): boolean {
  const subjects = (binding["subjects"] ?? []) as {
    kind: string;
    name: string;
    namespace?: string;
  }[];
  return subjects.some(({ kind, name, namespace }) =>
    kind === "ServiceAccount"
      ? user === `system:serviceaccount:${namespace ?? binding.metadata.namespace ?? ""}:${name}`
      : user === name,
  );
}

/** @throws 403 as the API says it */
export function authorize(store: Store, { role, binding }: Kinds, user: User, wish: Wish): void {
  if (user.admin) return;
  const bound =
    wish.namespace === undefined
      ? []
      : store.list(binding, wish.namespace).filter((one) => binds(one, user.name));
  const allowed = bound.some((one) => {
    const { name } = one["roleRef"] as { name: string };
    const found = store.list(role, wish.namespace).find(({ metadata }) => metadata.name === name);
    return found !== undefined && allows((found["rules"] ?? []) as Rule[], wish);
  });
  if (!allowed)
    throw StatusError.forbidden(
      user.name,
      wish.verb,
      wish.resource,
      wish.group,
      wish.namespace,
      wish.name,
    );
}
