import { Link, Outlet } from "react-router";

export function App() {
  return (
    <>
      <nav>
        <Link to="/cars">Cars</Link> <Link to="/settings">Settings</Link>
      </nav>
      <Outlet />
    </>
  );
}
