#include "compiler/loop/race_check.h"

namespace mica::loop {

bool RaceChecker::read(std::int64_t element, const Actor& actor) {
  Cell& cell = cells_[static_cast<std::size_t>(element)];
  if (cell.writer.thread >= 0 && races(cell.writer, actor)) return false;
  if (cell.reader.thread >= 0 && cell.reader.block != actor.block) cell.many_blocks = true;
  if (cell.reader.thread < 0 || cell.reader.phase != actor.phase) {
    cell.many_readers = false;
    cell.reader = actor;
  } else if (cell.reader.thread != actor.thread) {
    cell.many_readers = true;
  }
  return true;
}

bool RaceChecker::write(std::int64_t element, const Actor& actor) {
  Cell& cell = cells_[static_cast<std::size_t>(element)];
  if (cell.writer.thread >= 0 && races(cell.writer, actor)) return false;
  if (cell.reader.thread >= 0) {
    if (cell.many_blocks || races(cell.reader, actor)) return false;
    if (cell.many_readers && cell.reader.phase == actor.phase) return false;
  }
  cell.writer = actor;
  return true;
}

}  // namespace mica::loop
