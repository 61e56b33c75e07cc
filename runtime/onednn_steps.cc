#include "runtime/error.h"
#include "runtime/library.h"

namespace mica::rt {
namespace {

[[noreturn]] void refuse(const LibraryRequest& request) {
  throw Error({.where = request.where, .expected = "a call that oneDNN implements", .received = "none", .hint = {}});
}

}  // namespace

std::unique_ptr<LibraryStep> make_library_step(const LibraryRequest& request) { refuse(request); }
std::unique_ptr<LibraryStep> make_pack_step(const LibraryRequest& pack, const LibraryStep&) { refuse(pack); }

}  // namespace mica::rt
