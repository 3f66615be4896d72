// Reading a large file once for several purposes at the same time: copied by the calling thread, hashed and parsed by
// others. One thread would do them one after the other.
#pragma once

#include <functional>
#include <string_view>
#include <vector>

#include "fs/file_system.h"

namespace lockstep::durable {

using PieceConsumer = std::function<Status(std::string_view)>;

// Reads `source` to its end. `here` is called for each piece in this thread, each of `beside` in a thread of its own,
// all in the order of the file. Returns when all are done: the error of the reading, of `here`, or of the first of
// `beside`. After an error the consumers may not have seen everything. At most 2 MiB are read ahead of the slowest.
Status fan_out_pieces(fs::File& source, const PieceConsumer& here, const std::vector<PieceConsumer>& beside);

}  // namespace lockstep::durable
