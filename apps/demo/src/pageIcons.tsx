/** The drawings that only this page needs. */

export function Logo() {
  return (
    <svg className="logo" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <rect className="logo-ground" width="32" height="32" rx="9" />
      <path
        className="logo-wire"
        d="M7 21.5h2.2c1.5 0 2-1.3 2-2.9v-2.9a4.8 4.8 0 0 1 9.6 0v2.9c0 1.6.5 2.9 2 2.9H25M16 10.5V7.5"
      />
      <path className="logo-tongue" d="M13.8 24.5a2.3 2.3 0 0 0 4.4 0" />
    </svg>
  );
}

export function ThemeIcon() {
  return (
    <svg className="bw-icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <circle cx="12" cy="12" r="8.5" />
      <path d="M12 3.5a8.5 8.5 0 0 1 0 17Z" fill="currentColor" />
    </svg>
  );
}

export function PeopleIcon() {
  return (
    <svg className="bw-icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <circle cx="9.5" cy="8" r="3.5" />
      <path d="M3 19.5a6.5 6.5 0 0 1 13 0M19 8v6M16 11h6" />
    </svg>
  );
}

export function OpenIcon() {
  return (
    <svg className="bw-icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d="M13 4.5h6.5V11M19.5 4.5 11 13M9 5H6.5A2 2 0 0 0 4.5 7v10.5a2 2 0 0 0 2 2H17a2 2 0 0 0 2-2V15" />
    </svg>
  );
}

export function PhoneCircleIcon() {
  return (
    <svg className="call-place-icon" viewBox="0 0 48 48" aria-hidden="true" focusable="false">
      <circle cx="24" cy="24" r="22" />
      <path d="M17 15.5h3.4l1.7 4.2-2.1 1.6a12.6 12.6 0 0 0 6.5 6.5l1.6-2.1 4.2 1.7v3.4a1.9 1.9 0 0 1-2 1.9A16.8 16.8 0 0 1 15.1 17.5a1.9 1.9 0 0 1 1.9-2Z" />
    </svg>
  );
}

export function SettingsIcon() {
  return (
    <svg className="bw-icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d="M3.5 7h8M16 7h4.5M3.5 17H8M12.5 17h8" />
      <circle cx="13.8" cy="7" r="2.3" />
      <circle cx="10.2" cy="17" r="2.3" />
    </svg>
  );
}
