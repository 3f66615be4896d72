// node embed.mjs DIST OUT.cc: writes a C++ file that has every file of DIST as data, for src/service/assets.cc.
// The assembler takes the bytes as they are (.incbin), so that compiling it takes no time.
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { extname, join } from 'node:path'

const [, , dist, out] = process.argv
const types = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
}

function namesBelow(folder, prefix = '') {
  return readdirSync(join(folder, prefix), { withFileTypes: true })
    .flatMap((entry) => (entry.isDirectory() ? namesBelow(folder, `${prefix}${entry.name}/`) : [`${prefix}${entry.name}`]))
    .sort()
}

const names = namesBelow(dist)
if (!names.includes('index.html')) throw new Error(`${dist} has no index.html`)

const data = []
const rows = []
for (const [index, name] of names.entries()) {
  const type = types[extname(name)]
  if (!type) throw new Error(`${name}: no content type is known for it`)
  const path = join(dist, name)
  const bytes = readFileSync(path)
  const etag = createHash('sha256').update(bytes).digest('hex').slice(0, 32)
  const symbol = `lockstep_page_${index}`
  data.push(`asm(R"(.section .rodata\n.global ${symbol}\n.balign 16\n${symbol}:\n.incbin "${path}"\n.byte 0\n.previous)");`)
  data.push(`extern "C" const char ${symbol}[];\n`)
  const immutable = name.startsWith('assets/')
  rows.push(`    {"/${name}", {{${symbol}, ${bytes.length}}, "${type}", "\\"${etag}\\"", ${immutable}}},`)
}

writeFileSync(
  out,
  `// Made by ui/embed.mjs; not to be changed by hand.
#include "service/asset_table.h"

${data.join('\n')}
namespace lockstep::service {

namespace {
const NamedAsset kTable[] = {
${rows.join('\n')}
};
}  // namespace

std::span<const NamedAsset> asset_table() { return kTable; }

}  // namespace lockstep::service
`,
)
