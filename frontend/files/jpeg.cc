#include "frontend/files/jpeg.h"

#include <csetjmp>
#include <cstdio>
#include <cstdlib>
//
#include <jerror.h>
#include <jpeglib.h>

#include "absl/cleanup/cleanup.h"
#include "frontend/files/file_error.h"

// libjpeg leaves its functions by longjmp. Between a setjmp and what may jump to it stand no objects with destructors.
namespace mica::files {
namespace {

constexpr int kQuality = 75;

struct Failure {
  jpeg_error_mgr manager;  // first: libjpeg hands out its address
  std::jmp_buf jump;
  char message[JMSG_LENGTH_MAX];
  bool is_cut_off;
};

Failure& failure_of(j_common_ptr info) { return *reinterpret_cast<Failure*>(info->err); }

void leave(j_common_ptr info) {
  Failure& failure = failure_of(info);
  info->err->format_message(info, failure.message);
  std::longjmp(failure.jump, 1);
}

void note_warning(j_common_ptr info, int level) {
  if (level >= 0) return;
  const int code = info->err->msg_code;
  if (code != JWRN_JPEG_EOF && code != JWRN_HIT_MARKER) return;
  failure_of(info).is_cut_off = true;
  info->err->format_message(info, failure_of(info).message);
}

jpeg_error_mgr* report_to(Failure& failure) {
  jpeg_error_mgr* manager = jpeg_std_error(&failure.manager);
  manager->error_exit = leave;
  manager->emit_message = note_warning;
  return manager;
}

bool read_header(jpeg_decompress_struct& info, Failure& failure, Bytes content) {
  if (setjmp(failure.jump)) return false;
  jpeg_create_decompress(&info);
  jpeg_mem_src(&info, reinterpret_cast<const unsigned char*>(content.data()), content.size());
  return jpeg_read_header(&info, TRUE) == JPEG_HEADER_OK;
}

// Rows of `channels` bytes a pixel, one behind the other.
bool read_rows(jpeg_decompress_struct& info, Failure& failure, int channels, unsigned char* rows) {
  if (setjmp(failure.jump)) return false;
  info.out_color_space = channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
  jpeg_start_decompress(&info);
  const std::size_t stride = std::size_t{info.output_width} * static_cast<std::size_t>(channels);
  while (info.output_scanline < info.output_height) {
    JSAMPROW row = rows + info.output_scanline * stride;
    jpeg_read_scanlines(&info, &row, 1);
  }
  jpeg_finish_decompress(&info);
  return !failure.is_cut_off;
}

bool write_rows(jpeg_compress_struct& info, Failure& failure, const rt::Array& image, unsigned char** out,
                unsigned long* size) {
  if (setjmp(failure.jump)) return false;
  jpeg_create_compress(&info);
  jpeg_mem_dest(&info, out, size);
  info.image_height = static_cast<JDIMENSION>(image.dims()[0]);
  info.image_width = static_cast<JDIMENSION>(image.dims()[1]);
  info.input_components = static_cast<int>(image.dims()[2]);
  info.in_color_space = info.input_components == 1 ? JCS_GRAYSCALE : JCS_RGB;
  jpeg_set_defaults(&info);
  jpeg_set_quality(&info, kQuality, TRUE);
  jpeg_start_compress(&info, TRUE);
  const std::int64_t stride = image.dims()[1] * image.dims()[2];
  while (info.next_scanline < info.image_height) {
    JSAMPROW row = image.as<unsigned char>() + info.next_scanline * stride;
    jpeg_write_scanlines(&info, &row, 1);
  }
  jpeg_finish_compress(&info);
  return true;
}

absl::Status refused(std::string_view where, const Failure& failure) {
  return content_error(where, "a JPEG picture", std::string("one that libjpeg refuses (") + failure.message + ")");
}

rt::Array with_opacity(const rt::Array& colours) {
  rt::Array all = rt::Array::uninitialized(kUInt8, {colours.dims()[0], colours.dims()[1], 4});
  const std::uint8_t* from = colours.as<std::uint8_t>();
  std::uint8_t* to = all.as<std::uint8_t>();
  for (std::int64_t pixel = colours.numel() / 3; pixel > 0; --pixel) {
    for (int i = 0; i < 3; ++i) *to++ = *from++;
    *to++ = 255;
  }
  return all;
}

}  // namespace

absl::StatusOr<rt::Array> decode_jpeg(Bytes content, int channels, JpegTransform transform, std::string_view where) {
  Failure failure{};
  jpeg_decompress_struct info{};
  info.err = report_to(failure);
  const absl::Cleanup destroy = [&] { jpeg_destroy_decompress(&info); };
  if (!read_header(info, failure, content)) return refused(where, failure);
  if (info.num_components != 1 && info.num_components != 3) {
    return content_error(where, "a JPEG picture in grey or colours",
                         std::to_string(info.num_components) + " components");
  }
  if (channels == 0) channels = info.num_components;
  const int decoded = channels == 1 ? 1 : 3;
  const std::uint64_t bytes = std::uint64_t{info.image_width} * info.image_height * static_cast<std::uint64_t>(decoded);
  MICA_FILE_TRY(check_fits_in_memory(bytes, where));
  info.dct_method = transform == JpegTransform::kFast ? JDCT_IFAST : JDCT_ISLOW;
  rt::Array array = rt::Array::uninitialized(kUInt8, {info.image_height, info.image_width, decoded});
  if (!read_rows(info, failure, decoded, array.as<unsigned char>())) return refused(where, failure);
  return channels == 4 ? with_opacity(array) : array;
}

absl::StatusOr<std::string> encode_jpeg(const rt::Array& image, std::string_view where) {
  Failure failure{};
  jpeg_compress_struct info{};
  info.err = report_to(failure);
  unsigned char* out = nullptr;
  unsigned long size = 0;
  const absl::Cleanup destroy = [&] {
    jpeg_destroy_compress(&info);
    std::free(out);
  };
  if (!write_rows(info, failure, image, &out, &size)) return refused(where, failure);
  return std::string(reinterpret_cast<char*>(out), size);
}

}  // namespace mica::files
