/* Where the person is. The browser asks them, and only when they press the button. */

const PATIENCE_MS = 20_000;
const RECENT_MS = 60_000;
// Decimals of a degree: about 100 m. No more leaves the device, because no more is needed.
const DECIMALS = 3;

/** Browsers tell a place on encrypted pages only. */
export const canLocate = "geolocation" in navigator && isSecureContext;

/** Resolves to {latitude, longitude}; rejects with "location_refused" or "location_unknown". */
export function locate() {
  return new Promise((resolve, reject) => {
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => resolve({
        latitude: Number(coords.latitude.toFixed(DECIMALS)),
        longitude: Number(coords.longitude.toFixed(DECIMALS)),
      }),
      ({ code, PERMISSION_DENIED }) =>
        reject(code === PERMISSION_DENIED ? "location_refused" : "location_unknown"),
      { timeout: PATIENCE_MS, maximumAge: RECENT_MS },
    );
  });
}
