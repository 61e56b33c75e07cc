// What the environment asks the compiler to show: MICA_DUMP=canonicalize,loop,program|all, into MICA_DUMP_DIR or to
// stderr.
#pragma once
#include <string>
#include <string_view>

namespace mica::ir {

// The environment is read at each call, so that a program can change it.
bool dump_wanted(std::string_view stage);
// MICA_TRACE=rewrite,fuse prints decisions as they are made.
bool trace_wanted(std::string_view topic);
bool environment_flag(const char* name);  // set, not empty, not "0"
// Writes MICA_DUMP_DIR/<file> or, without it, a heading and the text to stderr. May be called from several threads.
void write_dump(std::string_view file, const std::string& text);

}  // namespace mica::ir
