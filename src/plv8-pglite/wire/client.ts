/**
 * node-postgres on an embedded database, without a socket: the same types, errors and notices as
 * from a server.
 */
import { Duplex } from "node:stream";
import pg from "pg";
import { DATABASE, serveConnection, type Shared, USER } from "./connection.ts";

/** Two ends of one connection: what is written to one is read from the other. */
function pair(): [Duplex, Duplex] {
  const ends: [Duplex, Duplex] = [end(() => ends[1]), end(() => ends[0])];
  return ends;
}

function end(other: () => Duplex): Duplex {
  const stream = new Duplex({
    read: () => undefined,
    write: (chunk: Buffer, _encoding, done) => {
      other().push(chunk);
      done();
    },
    final: (done) => {
      other().push(null);
      done();
    },
  });
  return stream;
}

/**
 * A connected client. While it is connected, others wait for their turn only during its
 * transactions.
 */
export async function clientOf(shared: Shared): Promise<pg.Client> {
  const [near, far] = pair();
  // What pg expects of a socket.
  const socket = Object.assign(near, {
    setNoDelay: () => near,
    setKeepAlive: () => near,
    ref: () => near,
    unref: () => near,
    connect: () => process.nextTick(() => near.emit("connect")),
  });
  void serveConnection(far, { admit: () => shared });
  const client = new pg.Client({ user: USER, database: DATABASE, stream: () => socket });
  await client.connect();
  return client;
}
