// What the KV namespace and the Durable Objects left on disk: the raw bytes of each file, and each value of each SQLite
// table (a value longer than a page is scattered over the file).
import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";

function bytesOf(value) {
  if (value instanceof Uint8Array) return Buffer.from(value);
  return Buffer.from(String(value));
}

function* valuesOf(file) {
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    const tables = database.prepare("select name from sqlite_master where type = 'table'").all();
    for (const { name } of tables) {
      const rows = database.prepare(`select * from "${name.replaceAll('"', '""')}"`);
      rows.setReadBigInts(true);
      for (const row of rows.iterate()) {
        for (const [column, value] of Object.entries(row)) yield { source: `${file} ${name}.${column}`, content: bytesOf(value) };
      }
    }
  } finally {
    database.close();
  }
}

/** Every piece of stored data under `directory`, of a Worker that has been halted. */
export async function storedData(directory) {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name));
  const pieces = [];
  for (const file of files) {
    pieces.push({ source: file, content: await readFile(file) });
  }
  for (const file of files.filter((name) => name.endsWith(".sqlite"))) pieces.push(...valuesOf(file));
  return pieces;
}
