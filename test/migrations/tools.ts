/**
 * The migration tools: what each is given, and what a user types. Its folder beside this file is
 * the project, with the migration that docs/install.md shows.
 */
export const PUT = "put";

export interface Tool {
  readonly name: string;
  /** Where the script is put in the project, under the name that the tool wants. */
  readonly script: string;
  /** Commands, one after the other; PUT: the script is put there then, else before the first. */
  readonly steps: readonly (readonly string[] | typeof PUT)[];
  /** It splits a migration at each semicolon, or prepares it: gets the one made for that. */
  readonly one_statement?: true;
  /** The package of npm whose version counts, where its name is not the tool's. */
  readonly package?: string;
  /** Debian packages; else its package.json names those of npm, in the versions tried. */
  readonly debian?: readonly string[];
  /** Prints its version, where no package.json tells it. */
  readonly version?: readonly string[];
}

/** What a migration that runs code reads. */
const READ = "ruvector_healing.sql";

const PYTHON = "/usr/bin/python3";

export const TOOLS: readonly Tool[] = [
  {
    name: "node-pg-migrate",
    script: "migrations/1767225600000_ruvector-healing.sql",
    steps: [["node-pg-migrate", "up"]],
  },
  { name: "knex", script: READ, steps: [["knex", "migrate:latest"]] },
  {
    name: "graphile-migrate",
    script: "migrations/current.sql",
    steps: [
      ["graphile-migrate", "commit"],
      ["graphile-migrate", "migrate"],
    ],
  },
  {
    name: "drizzle-kit",
    script: "drizzle/0000_ruvector_healing.sql",
    steps: [
      ["drizzle-kit", "generate", "--custom", "--name", "ruvector_healing"],
      PUT,
      ["drizzle-kit", "migrate"],
    ],
  },
  {
    name: "typeorm",
    script: READ,
    steps: [["typeorm", "migration:run", "-d", "data-source.js"]],
  },
  { name: "sequelize", script: READ, steps: [["sequelize", "db:migrate"]] },
  { name: "umzug", script: "migrations/1_ruvector_healing.sql", steps: [["node", "migrate.mjs"]] },
  {
    name: "postgrator",
    script: "migrations/001.do.ruvector_healing.sql",
    steps: [["node", "migrate.mjs"]],
  },
  { name: "db-migrate", script: READ, steps: [["db-migrate", "up"]] },
  {
    name: "dbmate",
    script: "db/migrations/20260101000000_ruvector_healing.sql",
    steps: [["dbmate", "--no-dump-schema", "migrate"]],
  },
  {
    name: "prisma",
    package: "@prisma/adapter-pg",
    script: "prisma/migrations/20260101000000_ruvector_healing/migration.sql",
    one_statement: true,
    steps: [["node", "migrate.mjs"]],
  },
  {
    name: "sqitch",
    script: READ,
    debian: ["sqitch", "libdbd-pg-perl"],
    version: ["sqitch", "--version"],
    steps: [["sqitch", "deploy", "--target", "$DATABASE_URI"]],
  },
  {
    name: "alembic",
    script: READ,
    debian: ["python3-alembic", "python3-psycopg2"],
    version: [PYTHON, "-m", "alembic", "--version"],
    steps: [[PYTHON, "-m", "alembic", "upgrade", "head"]],
  },
  {
    name: "alembic-asyncpg",
    script: READ,
    one_statement: true,
    debian: ["python3-alembic", "python3-asyncpg", "python3-greenlet"],
    version: [PYTHON, "-m", "alembic", "--version"],
    steps: [[PYTHON, "-m", "alembic", "upgrade", "head"]],
  },
  {
    name: "django",
    script: READ,
    debian: ["python3-django", "python3-psycopg2"],
    version: [PYTHON, "-m", "django", "--version"],
    steps: [[PYTHON, "manage.py", "migrate"]],
  },
];
